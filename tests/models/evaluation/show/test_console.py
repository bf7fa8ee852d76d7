"""A report on a terminal."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from models.evaluation.measure.report import Report
from models.evaluation.show.console import print_report
from models.evaluation.show.tables import tables


def printed(report: Report, **options: bool) -> str:
    file = StringIO()
    print_report(report, Console(file=file, width=200, **options))  # type: ignore[arg-type]
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
