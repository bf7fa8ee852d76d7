"""The version is written in app/__init__.py, and repeated where a file cannot read it there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from app import __version__

ROOT = Path(__file__).resolve().parent.parent


def test_the_package_takes_it_from_there() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in pyproject["project"]["dynamic"]
    assert pyproject["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "app.__version__"}


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Dockerfile", r"(?m)^ARG VERSION=(.+)$"),
        ("docker-compose.yml", r"(?m)^    image: xcopa-service:(.+)$"),
        ("deploy/kubernetes/overlays/cpu/kustomization.yaml", r"(?m)^    newTag: (.+)$"),
        ("deploy/kubernetes/overlays/gpu/kustomization.yaml", r"(?m)^    newTag: (.+)-cuda$"),
        ("deploy/ray/kustomization.yaml", r"(?m)^    newTag: (.+)$"),
    ],
)
def test_a_file_that_repeats_it_says_the_same(name: str, pattern: str) -> None:
    assert re.findall(pattern, (ROOT / name).read_text(encoding="utf-8")) == [__version__]


def test_the_citation_says_the_same() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__


def test_the_changelog_has_a_dated_section_for_it() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", changelog)
    assert headings[0] == ("Unreleased", "")
    version, date = headings[1]
    assert version == __version__
    assert date
