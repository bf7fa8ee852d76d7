"""``xcopa study``: its options, its answer, and the exit status that says whether there is one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.settings import Settings
from loadtests.study import command, report
from loadtests.study.command import StudyOptions
from loadtests.study.figure_verdict import StudyWord
from loadtests.study.report import CostReport
from loadtests.study.setting import FULL, QUICK
from loadtests.study.side_process import RunError
from loadtests.study.verdict import StudyVerdict
from tests.loadtests.study.made import study as made_study
from xcopa.main import app


def run(*options: object) -> Result:
    return CliRunner().invoke(app, ["study", *map(str, options)], env={"COLUMNS": "200"})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[StudyOptions]:
    """The options of each study, in whose place a made one is returned."""
    found: list[StudyOptions] = []

    def study(options: StudyOptions, settings: Settings) -> CostReport:
        found.append(options)
        return made_study(tmp_path)

    monkeypatch.setattr(command, "study", study)
    return found


def returning(monkeypatch: pytest.MonkeyPatch, made: CostReport) -> None:
    monkeypatch.setattr(command, "study", lambda options, settings: made)


def test_the_answer_comes_first_and_then_a_table(asked: list[StudyOptions], tmp_path: Path) -> None:
    result = run("--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{StudyWord.SAME}: within 3 % are items a second in all 2")
    assert "variants, engine, 16 items" in result.stdout
    header = next(line for line in result.stdout.splitlines() if "second over first" in line)
    assert [each in header for each in ("items a second", "p50", "p99")] == [True] * 3
    assert "not measured: intermediate sets: not run" in result.stdout
    assert f"wrote {tmp_path / 'out' / 'study.json'}" in result.stdout


@pytest.mark.parametrize(
    ("word", "status"),
    [(StudyWord.SAME, 0), (StudyWord.DIFFERENT, 0), (StudyWord.NOISY, 3), (StudyWord.FEW, 3)],
)
def test_the_exit_status_says_whether_there_is_a_verdict(
    word: StudyWord, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    returning(monkeypatch, replace(made_study(tmp_path), verdict=StudyVerdict(word, "so")))
    result = run("--out", tmp_path / "out")
    assert result.exit_code == status
    assert result.stdout.startswith(f"{word}: so.")


def test_a_study_that_cannot_go_on_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def study(options: StudyOptions, settings: Settings) -> CostReport:
        raise RunError("stilts ended with 1: no memory")

    monkeypatch.setattr(command, "study", study)
    result = run("--out", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == "xcopa cannot go on: stilts ended with 1: no memory\n"


def test_the_kinds_of_run(asked: list[StudyOptions], tmp_path: Path) -> None:
    run("--out", tmp_path)
    run("--out", tmp_path, "--quick", "--minutes", 2.5, "--blocks", 4)
    full, quick = asked
    assert (full.effort, full.out) == (FULL, tmp_path)
    assert quick.out == tmp_path / "quick"
    assert quick.effort == replace(QUICK, minutes=2.5, blocks=4)


def test_fewer_blocks_are_fewer_of_everything_and_more_are_more_of_what_decides(
    asked: list[StudyOptions], tmp_path: Path
) -> None:
    for blocks in (2, 20):
        run("--out", tmp_path, "--blocks", blocks)
    assert [(each.effort.blocks, each.effort.factor_blocks) for each in asked] == [(2, 2), (20, 3)]


def test_larger_shapes_were_compared_only_if_somebody_asked(
    asked: list[StudyOptions], tmp_path: Path
) -> None:
    for options in ((), ("--quick",), ("--shapes=",), ("--quick", "--shapes", "base")):
        run("--out", tmp_path, *options)
    assert [list(each.shapes) for each in asked] == [["base", "large"], [], [], ["base"]]


def test_options_reach_the_study(asked: list[StudyOptions], tmp_path: Path) -> None:
    run(
        *("--out", tmp_path, "--data", tmp_path, "--seed", 5, "--shapes", "large,base"),
        *("--report", tmp_path / "r.json", "--intermediate", tmp_path / "i.json"),
    )
    [found] = asked
    assert (found.data, found.seed, list(found.shapes)) == (tmp_path, 5, ["large", "base"])
    assert (found.evaluation, found.intermediate) == (tmp_path / "r.json", tmp_path / "i.json")


def test_without_options_the_shipped_report_is_read(
    asked: list[StudyOptions], tmp_path: Path
) -> None:
    run("--out", tmp_path)
    assert asked[0].evaluation.samefile("models/report.json")


def test_an_unknown_shape_is_one_line(tmp_path: Path) -> None:
    result = run("--out", tmp_path, "--shapes", "huge")
    assert result.exit_code == 1
    assert result.stderr.startswith("xcopa cannot go on: --shapes: 'huge' is not one of base")


def test_a_variant_that_is_left_out_was_looked_for_on_the_hub(
    asked: list[StudyOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XCOPA_MODELS__DIRECT", "none")
    result = run("--out", tmp_path)
    assert result.exit_code == 1
    assert "XCOPA_MODELS__DIRECT is to name a source, and not to leave it out" in result.stderr
    assert asked == []


def test_the_page_is_written_from_what_is_kept(tmp_path: Path) -> None:
    made: Any = made_study(tmp_path)
    report.write(made, tmp_path / report.FILE)
    result = run("--out", tmp_path, "--page")
    assert result.exit_code == 0, result.output
    assert f"**{made.verdict.word}**" in (tmp_path / "study.md").read_text("utf-8")
    assert json.loads((tmp_path / report.FILE).read_text("utf-8"))["minutes"] == 12


def test_a_page_needs_a_study(tmp_path: Path) -> None:
    result = run("--out", tmp_path, "--page")
    assert result.exit_code == 1
    assert "study.json cannot be read" in result.stderr
