"""A report survives its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.evaluation.ask.items import ItemSets
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.measure.report import Report, ReportSource, build, load, save
from tests.models.evaluation.stand_ins import predicted


def test_a_report_is_the_same_after_its_file(report: Report, tmp_path: Path) -> None:
    save(report, tmp_path / "report.json")
    assert load(tmp_path / "report.json") == report


def test_a_file_that_is_no_report_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with pytest.raises(EvaluationError, match=r"report\.json cannot be read"):
        load(path)
    path.write_text("{}", "utf-8")
    with pytest.raises(EvaluationError, match=r"report\.json is not a report"):
        load(path)


def test_the_same_logits_give_the_same_report(
    report: Report, item_sets: ItemSets, source: ReportSource
) -> None:
    """Intervals resample with a seed of their own: a report that is computed again is equal."""
    assert build(source, predicted(item_sets, source.revisions)) == report
