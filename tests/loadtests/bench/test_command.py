"""The command line: which measurements run, what is printed, what is kept."""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from loadtests.bench import command
from loadtests.bench.command import cli
from loadtests.bench.registry import MEASUREMENTS
from loadtests.bench.results import BenchResult


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments])


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces what is measured; the names of those that ran."""
    names: list[str] = []

    def stand_in(name: str, _: Console) -> list[BenchResult]:
        names.append(name)
        return [BenchResult.of(f"what {name} measures", "widgets", [1.0, 2.0, 4.0], "<= 3", n=5)]

    replaced = {
        name: dataclasses.replace(each, measure=partial(stand_in, name))
        for name, each in MEASUREMENTS.items()
    }
    monkeypatch.setattr(command, "MEASUREMENTS", replaced)
    return names


def test_help_lists_every_measurement_with_its_question() -> None:
    lines = [line.split(maxsplit=1) for line in run("--help").output.splitlines()]
    for each in MEASUREMENTS.values():
        assert [each.name, each.help] in lines


def test_those_that_are_named_run_in_the_order_given(ran: list[str]) -> None:
    result = run("soak", "lone")
    assert (result.exit_code, ran) == (0, ["soak", "lone"])


def test_without_a_name_all_run(ran: list[str]) -> None:
    assert run().exit_code == 0
    assert ran == list(MEASUREMENTS)


def test_an_unknown_name_runs_nothing_and_says_which_there_are(ran: list[str]) -> None:
    result = run("soak", "overhead")
    assert (result.exit_code, ran) == (2, [])
    assert "'overhead' is not one of" in result.output
    assert "saturation" in result.output


def test_the_unit_is_printed_beside_the_numbers(
    ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    results = [BenchResult.of("how many", "widgets", [1.0, 2.0, 4.0], "<= 3", n=5)]
    Console(width=200).print(command.table_of("soak", results))
    [line] = [line for line in capsys.readouterr().out.splitlines() if "how many" in line]
    cells = [cell.strip() for cell in line.strip("│ ").split("│")]
    assert cells == ["how many", "widgets", "2", "1", "4", "<= 3", "met", '{"n": 5}']


def test_results_are_kept_beside_those_of_other_measurements(
    ran: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "speed.json"
    run("lone", "--out", str(out))
    run("soak", "--out", str(out))
    content = json.loads(out.read_text("utf-8"))
    assert list(content) == ["lone", "soak"]
    assert content["soak"]["machine"]["cores"] >= 1
    [kept] = map(BenchResult.from_json, content["soak"]["results"])
    assert (kept.name, kept.value) == ("what soak measures", 2)


def test_a_check_fails_where_a_target_is_missed(
    ran: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("lone", "--check").exit_code == 0
    assert "targets missed: 0" in run("lone").output
    results = [BenchResult.of("how many", "widgets", [4.0], "<= 3")]
    lone = dataclasses.replace(MEASUREMENTS["lone"], measure=lambda _: results)
    monkeypatch.setattr(command, "MEASUREMENTS", {"lone": lone})
    assert run("lone").exit_code == 0
    done = run("lone", "--check")
    assert (done.exit_code, "targets missed: 1" in done.output) == (1, True)
