"""The tables of ``docs/results/accuracy.md`` are those of what ships: report and folds."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.model_settings.sources import SHIPPED_MODELS
from models.crossvalidation.table import folds_table
from models.evaluation.measure.report import load
from models.evaluation.show.markdown import markdown_table
from models.evaluation.show.tables import Table, tables
from scripts.publish_folds import published_folds

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results" / "accuracy.md"
TEXT = PAGE.read_text(encoding="utf-8")
PUBLISHED = [*tables(load(SHIPPED_MODELS / "report.json")), folds_table(published_folds())]
SHOWN = [each for each in PUBLISHED if f"### {each.title}\n" in TEXT]


@pytest.mark.parametrize("table", SHOWN, ids=lambda table: table.title)
def test_a_table_is_that_of_the_report(table: Table) -> None:
    section = f"### {table.title}\n\n{table.note}\n\n{markdown_table(table.columns, table.rows)}"
    assert section in TEXT, (
        f"{table.title!r}: python -m scripts.publish_evaluation or scripts.publish_folds writes it"
    )


def test_every_table_of_the_page_is_a_published_one() -> None:
    accuracy = TEXT.partition("\n## Training")[0]
    assert accuracy.count("\n### ") == len(SHOWN) + 1  # and the section in words
