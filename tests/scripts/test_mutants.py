"""Summing up an invented run of mutmut."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from scripts.mutant_sample import draw
from scripts.mutants import describe, main, read_run, record
from scripts.quality import Quality, read_results

TODAY = datetime.date(2030, 1, 2)


def write(root: Path, name: str, *statuses: int | None) -> None:
    path = root / "mutants" / f"{name}.meta"
    path.parent.mkdir(parents=True, exist_ok=True)
    by_name = {f"{Path(name).stem}_{number}": status for number, status in enumerate(statuses)}
    path.write_text(json.dumps({"exit_code_by_key": by_name}), encoding="utf-8")


def test_what_fails_crashes_or_runs_out_of_time_is_killed_and_the_rest_lives(
    tmp_path: Path,
) -> None:
    write(tmp_path, "app/a.py", 1, 0, -24, 33, 5, -11)
    found = read_run(tmp_path)["app/a.py"]
    assert (found.mutants, found.killed, found.unchecked) == (6, 3, 0)
    assert found.living == ("a_1", "a_3", "a_4")


def test_a_file_of_which_nothing_was_run_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "app/a.py", None, 2)
    write(tmp_path, "app/empty.py")
    assert read_run(tmp_path) == {}


def test_only_files_that_were_run_whole_are_recorded_and_others_keep_their_results(
    tmp_path: Path,
) -> None:
    write(tmp_path, "app/a.py", 1, 0)
    record(tmp_path, read_run(tmp_path), TODAY)
    write(tmp_path, "app/a.py", 1, None)
    write(tmp_path, "app/b.py", 1, 1)
    record(tmp_path, read_run(tmp_path), datetime.date(2030, 2, 3))
    assert read_results(tmp_path)["mutants"]["files"] == {
        "app/a.py": {"killed": 1, "mutants": 2, "date": "2030-01-02"},
        "app/b.py": {"killed": 2, "mutants": 2, "date": "2030-02-03"},
    }
    assert Quality.read(tmp_path).killed == 0.75


def test_other_results_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "docs/results/quality.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"bare_clone": {"skipped": 7}}), encoding="utf-8")
    write(tmp_path, "app/a.py", 1)
    assert main(["--record"], tmp_path) == 0
    assert Quality.read(tmp_path) == Quality(skipped=7, killed=1.0)


def test_the_living_are_named_below_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "app/a.py", 1, 0, None)
    assert main([], tmp_path) == 0
    line, living = capsys.readouterr().out.splitlines()
    assert line.split() == ["app/a.py", "50.0%", "1", "of", "2,", "1", "not", "run"]
    assert living == "a_1"
    assert not (tmp_path / "docs").exists()
    assert describe({}) == ""


def test_a_recorded_sample_is_kept_beside_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "app/a.py", *[1] * 40)
    draw(tmp_path, 20, seed=3)
    write(tmp_path, "app/a.py", *[1] * 39, 36)
    assert main(["--record"], tmp_path) == 0
    kept = read_results(tmp_path)["mutants"]
    assert kept["files"]["app/a.py"]["killed"] == 40
    assert (kept["sample"]["killed"], kept["sample"]["mutants"], kept["sample"]["of"]) == (
        20,
        20,
        40,
    )
    assert kept["sample"]["command"] == "make mutants SAMPLE=20 SEED=3"
    assert Quality.read(tmp_path).killed_at_least == pytest.approx(0.8389, abs=1e-3)  # by Wilson
    assert "random sample: 100.0% killed, at least 83.9% (20 of 40" in capsys.readouterr().out


def test_a_sample_that_was_not_run_whole_is_not_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "app/a.py", *[1] * 9, None)
    draw(tmp_path, 10, seed=0)
    assert main(["--record"], tmp_path) == 1
    assert "sample" not in read_results(tmp_path).get("mutants", {})
    assert capsys.readouterr().err == (
        "1 of 10 mutants of the sample were not run; it is not recorded\n"
    )
