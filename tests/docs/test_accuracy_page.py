"""The tables of ``docs/results/accuracy.md`` are those of the report that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.model_settings.sources import SHIPPED_MODELS
from models.evaluation.measure.report import load
from models.evaluation.show.markdown import markdown_table
from models.evaluation.show.tables import Table, tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results" / "accuracy.md"
TEXT = PAGE.read_text(encoding="utf-8")
SHOWN = [
    each for each in tables(load(SHIPPED_MODELS / "report.json")) if f"### {each.title}\n" in TEXT
]


@pytest.mark.parametrize("table", SHOWN, ids=lambda table: table.title)
def test_a_table_is_that_of_the_report(table: Table) -> None:
    section = f"### {table.title}\n\n{table.note}\n\n{markdown_table(table.columns, table.rows)}"
    assert section in TEXT, (
        f"copy the section {table.title!r} from `xcopa report markdown models/report.json`"
    )


def test_every_table_of_the_page_is_one_of_the_report() -> None:
    accuracy = TEXT.partition("\n## Training")[0]
    assert accuracy.count("\n### ") == len(SHOWN) + 1  # and the section in words
