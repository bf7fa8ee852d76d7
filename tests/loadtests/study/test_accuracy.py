"""Accuracy comes from a report of the same weights, and from no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.study.accuracy import own_accuracy
from loadtests.study.errors import StudyError
from models.evaluation.ask.items import Split, collect
from models.evaluation.measure import report as evaluation
from models.evaluation.measure.report import Report, ReportSource
from models.tasks.sets.xcopa import Questions
from tests.models.evaluation.stand_ins import predicted
from tests.models.tasks.invented_causal import write_measured

REVISIONS = {"direct": "a" * 12, "stilts": "b" * 12}


def made(tmp_path: Path, split: Split = "test", questions: Questions = "upstream") -> Report:
    sets = collect(write_measured(tmp_path / "data", 12), split, (questions,))
    source = ReportSource(split, (questions,), "nobody", REVISIONS)
    return evaluation.build(source, predicted(sets, REVISIONS))


def test_the_means_of_the_nine_and_of_the_eleven_are_read(tmp_path: Path) -> None:
    report = made(tmp_path)
    path = tmp_path / "report.json"
    evaluation.save(report, path)
    found = own_accuracy(path, REVISIONS)
    nine, eleven, _ = report.readings["upstream"].means
    assert found.variants == nine.accuracy
    assert found.difference == nine.difference
    assert found.all_languages == eleven.accuracy["stilts"]


def test_a_report_of_other_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    evaluation.save(made(tmp_path), path)
    with pytest.raises(StudyError, match="of other weights: stilts is bbbbbbbbbbbb there and c"):
        own_accuracy(path, {**REVISIONS, "stilts": "c" * 12})


@pytest.mark.parametrize(("split", "questions"), [("val", "upstream"), ("test", "repaired")])
def test_a_report_of_something_else_is_refused(
    tmp_path: Path, split: Split, questions: Questions
) -> None:
    path = tmp_path / "report.json"
    evaluation.save(made(tmp_path, split, questions), path)
    with pytest.raises(StudyError, match="not of XCOPA's test split"):
        own_accuracy(path, REVISIONS)


def test_a_file_that_is_no_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"nothing\.json cannot be read"):
        own_accuracy(tmp_path / "nothing.json", REVISIONS)


def test_the_shipped_report_is_readable() -> None:
    path = Path("models/report.json")
    revisions = evaluation.load(path).source.revisions
    own = {name: revisions[name] for name in ("direct", "stilts")}
    found = own_accuracy(path, own)
    assert replace(found, variants={}).difference.low < found.difference.high
    assert 0.5 < found.variants["stilts"].value < 1
