"""The report is read as it was written, and a wrong file is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.evaluation.ask.predictor import EvaluationError
from models.intermediate import report
from models.intermediate.command import TEMPLATE
from models.training.recipe import load_recipe
from tests.models.intermediate.made import outcomes, study_report


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = study_report()
    report.write(made, tmp_path / "intermediate.json")
    assert report.load(tmp_path / "intermediate.json") == made


def test_it_says_what_all_conditions_had_in_common() -> None:
    template = load_recipe(TEMPLATE)
    made = report.build(template, "a text", {}, {"piqa": "no file"}, outcomes())
    assert made.setting.base == template.base
    assert made.setting.intermediate == report.PhaseSetting(125, None, 2000, 6e-4)
    assert made.setting.target == report.PhaseSetting(None, 3, 1000, 3e-4)
    assert (made.setting.text, made.missing) == ("a text", {"piqa": "no file"})
    assert [each.name for each in made.conditions] == [own.condition.name for own, _ in outcomes()]


def test_a_missing_report_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    said = f"cannot read {path}: No such file or directory"
    with pytest.raises(EvaluationError, match=f"^{re.escape(said)}$"):
        report.load(path)


def test_another_file_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text("{}", "utf-8")
    said = f"{path} is no report of this study: setting: Field required"
    with pytest.raises(EvaluationError, match=f"^{re.escape(said)}$"):
        report.load(path)
