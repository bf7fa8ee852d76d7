"""A report on a terminal."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from models.evaluation.measure.report import Report
from models.evaluation.show.console import print_report
from models.evaluation.show.tables import tables

FIGURE = re.compile(r"[+<-]?\d")


def printed(report: Report, width: int = 200, **options: bool) -> str:
    file = StringIO()
    print_report(report, Console(file=file, width=width, **options))  # type: ignore[arg-type]
    return file.getvalue()


def test_every_cell_is_shown(report: Report) -> None:
    shown = printed(report)
    for table in tables(report):
        assert table.title in shown
        for row in table.rows:
            assert all(cell in shown for cell in row.cells)


def test_who_answered_is_shown_to_the_letter(report: Report) -> None:
    """Rich reads words in brackets as its markup, and would leave them out."""
    source = replace(
        report.source, answered_by="http://[dead:beef::1]:8000", revisions={"direct[a]": "abc"}
    )
    first = printed(replace(report, source=source)).splitlines()[0]
    assert first == "test items, answered by http://[dead:beef::1]:8000: direct[a] abc"


def test_means_stand_out(report: Report) -> None:
    shown = printed(report, force_terminal=True)
    [mean, *_] = [line for line in shown.splitlines() if "mean of the nine" in line]
    [language, *_] = [line for line in shown.splitlines() if "Estonian" in line]
    assert "\x1b[1m" in mean
    assert "\x1b[1m" not in language


@pytest.mark.parametrize("width", [120, 80, 60, 30])
def test_a_narrow_terminal_cuts_no_figure(report: Report, width: int) -> None:
    shown = printed(report, width)
    lines = shown.splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in shown
    for table in tables(report):
        figures = [cell for row in table.rows for cell in row.cells[1:] if FIGURE.match(cell)]
        assert figures
        assert all(any(cell in line for line in lines) for cell in figures)


def test_accuracy_stays_a_table_at_80_columns(report: Report) -> None:
    [line, *_] = [line for line in printed(report, 80).splitlines() if "Estonian" in line]
    assert line.count("[") == 3
