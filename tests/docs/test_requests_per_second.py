"""The page that says which figure is which names commands, and repeats no figure."""

from __future__ import annotations

import json
import re

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "requests-per-second.md").read_text("utf-8")
SPEED = json.loads((ROOT / "docs" / "results" / "speed.json").read_text("utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def rates(details: object) -> set[str]:
    """Return the numbers of a detail, with a thousands comma as pages have them."""
    if isinstance(details, dict):
        return set().union(*map(rates, details.values()))
    if isinstance(details, list):
        return set().union(*map(rates, details))
    return {f"{details:,}"} if isinstance(details, int | float) else set()


def test_the_page_repeated_figures_that_were_measured_again() -> None:
    """It had 2,008 a second of a run that speed.md no longer has."""
    measured = {
        rate
        for content in SPEED.values()
        for result in content["results"]
        for key, detail in result["details"].items()
        if "per_second" in key
        for rate in rates(detail)
    }
    said = set(re.findall(r"(?<![p\d])\d[\d,.]*\d", PAGE))
    assert measured
    assert not said & measured
    assert said <= {"32"}, "callers, connections, items of a call: other numbers are figures"


def test_every_row_begins_with_a_command_that_there_is() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 5
    for row in rows:
        command = row.split("|")[1].strip()
        target = re.match(r"`make (\w+)( (\w+)=(\w+))?`$", command)
        assert target or command == "`xcopa plan`", row
        if target:
            assert f"\n{target[1]}: " in MAKEFILE
