"""uv.lock, constraints.txt and pyproject.toml say the same, and name public hosts alone."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = {"https://pypi.org", "https://files.pythonhosted.org"}
# Libraries of torch's CUDA build: torch's own metadata names their versions.
CUDA = re.compile(r"^(nvidia-.+|cuda-.+|triton)$")
MEND = "run `make lock`"


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def locked() -> set[tuple[str, str]]:
    """Name and version of every package in uv.lock; a name may have one version a Python."""
    packages: list[dict[str, Any]] = tomllib.loads(read("uv.lock"))["package"]
    return {(p["name"], p["version"]) for p in packages if "registry" in p["source"]}


@pytest.fixture(scope="module")
def constraints() -> list[Requirement]:
    return [Requirement(line) for line in read("constraints.txt").splitlines()]


def direct_dependencies() -> list[Requirement]:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    named = [Requirement(line) for line in [*project["dependencies"], *extras]]
    return [requirement for requirement in named if requirement.name != project["name"]]


@pytest.mark.parametrize("requirement", direct_dependencies(), ids=str)
def test_a_direct_dependency_is_constrained_within_its_range(
    requirement: Requirement, constraints: list[Requirement]
) -> None:
    name = canonicalize_name(requirement.name)
    versions = [
        next(iter(c.specifier)).version for c in constraints if canonicalize_name(c.name) == name
    ]
    assert versions, MEND
    assert [v for v in versions if not requirement.specifier.contains(v, prereleases=True)] == []


def test_every_constraint_is_one_version(constraints: list[Requirement]) -> None:
    assert [str(c) for c in constraints if [s.operator for s in c.specifier] != ["=="]] == []
    assert [str(c) for c in constraints if c.url or c.extras] == []


def test_the_constraints_are_the_lock_without_the_cuda_libraries(
    constraints: list[Requirement], locked: set[tuple[str, str]]
) -> None:
    named = {(canonicalize_name(c.name), next(iter(c.specifier)).version) for c in constraints}
    assert named == {(n, v) for n, v in locked if not CUDA.match(n)}, MEND


def test_the_lock_is_of_this_pyproject() -> None:
    """uv keeps the ranges that it has resolved; ``uv lock --check`` would need uv and an index."""
    packages: list[dict[str, Any]] = tomllib.loads(read("uv.lock"))["package"]
    project = next(p for p in packages if "editable" in p["source"])
    resolved = {
        (entry["name"], frozenset(entry.get("specifier", "").split(",")))
        for entry in project["metadata"]["requires-dist"]
        if entry["name"] != project["name"]
    }
    stated = {
        (canonicalize_name(r.name), frozenset(str(r.specifier).split(",")))
        for r in direct_dependencies()
    }
    assert resolved == stated, MEND


@pytest.mark.parametrize("name", ["uv.lock", "constraints.txt"])
def test_it_names_public_hosts_alone(name: str) -> None:
    assert set(re.findall(r"\w+://[^/\s\"]+", read(name))) - PUBLIC == set()
