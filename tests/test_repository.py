"""The files that a code host and its visitors read: valid, and in step with what they call."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"(?m)^([a-z-]+):", MAKEFILE))


def make_targets(text: str) -> set[str]:
    """Return the targets of every ``make ...`` that stands as code in a text."""
    called = re.findall(r"(?:`|^|\n)make ((?:[a-z-]+ ?)+)", text)
    return {target for words in called for target in words.split()}


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("citation-file-format", "CITATION.cff"),
        ("dependabot", ".github/dependabot.yml"),
        ("github-workflows", ".github/workflows/*.yml"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
    ],
)
def test_it_is_valid_by_its_schema(schema: str, pattern: str) -> None:
    files = sorted(ROOT.glob(pattern))
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    checked = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_workflow_runs_what_ci_runs_here_from_the_oldest_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["check"]
    assert {"run": ".ci/run"} in job["steps"]
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = pyproject["project"]["requires-python"].removeprefix(">=")
    assert job["strategy"]["matrix"]["python"][0] == oldest


def test_the_hooks_call_make_and_so_have_no_versions_of_their_own() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["entry"] for hook in hooks} == {"make lint", "make types"}


@pytest.mark.parametrize(
    "name", [".ci/run", "CONTRIBUTING.md", "README.md", ".github/pull_request_template.md"]
)
def test_every_target_that_it_names_is_one(name: str) -> None:
    named = make_targets((ROOT / name).read_text(encoding="utf-8"))
    assert named
    assert named - TARGETS == set()


def test_every_target_is_phony_or_a_file() -> None:
    phony = re.search(r"(?m)^\.PHONY: (.+)$", MAKEFILE)
    assert phony is not None
    assert set(phony[1].split()) == TARGETS


@pytest.mark.parametrize("package", ["app", "models", "planning", "xcopa"])
def test_the_types_of_a_package_are_published(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "py.typed" in pyproject["tool"]["setuptools"]["package-data"][package]


def commands_of(target: str) -> str:
    """Return what make would run for a target in a new environment."""
    command = ["make", "--dry-run", target, "VENV=/no/environment"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_slow_tests_have_ray_where_they_run_and_the_default_ones_do_without() -> None:
    """Those on clusters were skipped wherever nobody had installed the extra."""
    assert "install.py --venv /no/environment dev,ray" in commands_of("test-slow")
    default = commands_of("test")
    assert "install.py --venv /no/environment dev" in default
    assert "ray" not in default
