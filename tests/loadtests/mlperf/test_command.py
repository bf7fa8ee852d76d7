"""The command for MLPerf's scenarios."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from loadtests.mlperf.command import NOT_OFFICIAL, cli
from tests.loadtests.mlperf.answering import response, service
from tests.models.tasks.invented_causal import write_measured


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments])


def test_a_run_says_that_it_is_not_official_and_keeps_its_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.mlperf.scenarios._TRIAL_S", 0.1)
    with service(lambda _: response({})) as asked:
        monkeypatch.setattr("loadtests.target.why_not", lambda _: None)
        options = ("--variants", "stilts", "--seconds", "0.1", "--against", asked.url)
        done = run("Offline", *options, "--out", str(tmp_path))
    assert done.exit_code == 1
    assert done.output.startswith(NOT_OFFICIAL)
    assert "FAIL: Offline stilts: items answered: " in done.output
    content = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert content["official"] is False
    assert "Not an official MLPerf result" in (tmp_path / "report.html").read_text("utf-8")
    assert (tmp_path / "stilts" / "Offline" / "run-0" / "mlperf_log_summary.txt").exists()


def test_accuracy_needs_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XCOPA_DATA_DIR", raising=False)
    done = run("Offline", "--accuracy")
    assert done.exit_code == 2
    assert done.output.splitlines()[-1] == (
        "mlperf: labels need XCOPA_DATA_DIR: the sample's items have none"
    )
    monkeypatch.setenv("XCOPA_DATA_DIR", str(write_measured(tmp_path, items=2)))
    done = run("Offline", "--accuracy", "--against", "http://127.0.0.1:1")
    assert "mlperf: --against: no service answers at" in done.output


def test_an_unknown_scenario_says_which_there_are() -> None:
    done = run("Batch")
    assert done.exit_code == 2
    assert "is not one of" in done.output


def test_a_variant_that_is_not_served_says_which_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.target.why_not", lambda _: None)
    with service() as asked:
        done = run("Offline", "--variants", "x", "--against", asked.url)
    assert done.exit_code == 2
    assert done.output.endswith("mlperf: --variants x: 'x' is not one of direct, stilts\n")
