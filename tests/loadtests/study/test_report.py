"""A report survives its file, and is refused where it is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.study import report
from loadtests.study.errors import StudyError
from tests.loadtests.study.made import study


def test_a_report_is_the_same_after_it_was_written(tmp_path: Path) -> None:
    made = study(tmp_path)
    path = tmp_path / report.FILE
    report.write(made, path)
    assert report.load(path) == made
    assert json.loads(path.read_text("utf-8"))["verdict"]["word"] == made.verdict.word


def test_a_file_that_is_no_report_is_named_with_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / report.FILE
    with pytest.raises(StudyError, match="cannot be read"):
        report.load(path)
    report.write(study(tmp_path), path)
    content = json.loads(path.read_text("utf-8"))
    content["verdict"]["word"] = "perhaps"
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(StudyError, match=r"no report of a study: verdict\.word"):
        report.load(path)


def test_noise_is_summed_up_over_all_blocks(tmp_path: Path) -> None:
    noise = study(tmp_path, loud=6).noise
    assert noise is not None
    assert noise.blocks == 4 * 6
    assert noise.disturbed == 0.25
    assert noise.others == (0.0, 0.8)
    assert report.noise_of([]) is None
