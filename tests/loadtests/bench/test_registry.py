"""Each measurement has a file of its name, a question that it answers, and a line in the docs."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from loadtests.bench import registry
from loadtests.bench.page import DATA, PAGE
from loadtests.bench.registry import MEASUREMENTS
from tests.conftest import ROOT

BENCH = Path(registry.__file__).parent
HOW_TO = (ROOT / "docs" / "how-to" / "measure-speed.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", HOW_TO, re.MULTILINE))


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_a_measurement_has_a_file_of_its_name_and_help(name: str) -> None:
    measurement = MEASUREMENTS[name]
    module = sys.modules[measurement.measure.__module__]
    assert Path(str(module.__file__)) == BENCH / f"{name}.py"
    assert measurement.measure.__name__ == "measure"
    assert module.__doc__
    assert measurement.help.endswith("?")


def test_every_file_with_a_measurement_is_registered() -> None:
    files = {
        path.stem for path in BENCH.glob("*.py") if "\ndef measure(" in path.read_text("utf-8")
    }
    assert files == set(MEASUREMENTS)


def test_the_how_to_has_a_line_with_the_command_of_each() -> None:
    assert list(ROWS) == list(MEASUREMENTS)
    for name, row in ROWS.items():
        assert f"`make bench BENCH={name}`" in row


def test_the_page_of_results_shows_each() -> None:
    shown = re.findall(r"<!-- speed:begin ([a-z ]+) -->", PAGE.read_text("utf-8"))
    assert sorted(" ".join(shown).split()) == sorted(MEASUREMENTS)


def test_the_how_to_names_the_units_of_the_results() -> None:
    for name, content in json.loads(DATA.read_text("utf-8")).items():
        units = ROWS[name].split(" | ")[1].split(", ")
        assert units == list(dict.fromkeys(each["unit"] for each in content["results"]))
