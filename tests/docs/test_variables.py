"""A variable that a page names is one that the service or a command reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.reference.settings import variables

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
]
ADDS = re.compile(r"XCOPA_MODELS__[A-Z]")
"""Adds a model, whatever name follows."""
SETTINGS = {name for name, _ in variables()}
OF_COMMANDS = {"XCOPA_API_KEY", "XCOPA_DATA_DIR", "XCOPA_PUBLISH"}
"""Not settings of the service; ``docs/how-to/choose-settings.md`` says what reads them."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_variable_of_a_page_exists(page: Path) -> None:
    named = set(re.findall(r"\bXCOPA_[A-Z][A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
    unknown = sorted(each for each in named - SETTINGS - OF_COMMANDS if not ADDS.match(each))
    assert not unknown, f"{page.name} names variables that nothing reads: {', '.join(unknown)}"


def test_the_variables_of_commands_are_described() -> None:
    page = (ROOT / "docs" / "how-to" / "choose-settings.md").read_text(encoding="utf-8")
    assert {name for name in OF_COMMANDS if f"`{name}`" not in page} == set()
