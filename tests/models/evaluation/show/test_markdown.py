"""A report as a page, and as the table of a model card."""

from __future__ import annotations

from dataclasses import replace

from models.evaluation.measure.report import Report
from models.evaluation.show.markdown import card_table, markdown_table, to_markdown
from models.evaluation.show.numbers import interval
from models.evaluation.show.tables import TableRow, tables


def test_every_table_is_a_section_with_all_its_cells(report: Report) -> None:
    page = to_markdown(report)
    for table in tables(report):
        [section] = [part for part in page.split("\n## ") if part.startswith(f"{table.title}\n")]
        assert table.note in section
        assert f"| {' | '.join(table.columns)} |" in section
        for row in table.rows:
            assert " | ".join(row.cells[1:]) in section


def test_the_page_says_what_was_measured_and_with_which_weights(report: Report) -> None:
    source = replace(report.source, answered_by="http://[::1]:8000", revisions={"direct": "abc"})
    page = to_markdown(replace(report, source=source))
    assert page.startswith("# Evaluation\n\nSplit `test`, answered by http://[::1]:8000; 10,000 ")
    assert "| `direct` | `abc` |" in page


def test_a_table_has_one_rule_and_strong_rows_have_bold_names() -> None:
    rows = [TableRow(("a", "1")), TableRow(("mean", "2"), strong=True)]
    assert markdown_table(("name", "value"), rows) == (
        "| name | value |\n|---|---|\n| a | 1 |\n| **mean** | 2 |\n"
    )


def test_a_card_has_a_line_a_language_and_a_mean(report: Report) -> None:
    lines = card_table(report, "stilts").splitlines()
    assert lines[0] == "| language | questions as published | questions repaired |"
    assert len(lines) == 2 + 12 + 3
    thai = [reading.languages[8].accuracy["stilts"] for reading in report.readings.values()]
    assert lines[2 + 8] == f"| Thai | {interval(thai[0])} | {interval(thai[1])} |"
    nine = report.readings["repaired"].means[0].accuracy["stilts"]
    assert lines[14].startswith("| **mean of the nine")
    assert lines[14].endswith(f"| {interval(nine)} |")
