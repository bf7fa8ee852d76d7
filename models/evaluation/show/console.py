"""Prints a report on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from models.evaluation.measure.report import Report
from models.evaluation.show.tables import Table, tables


def print_report(report: Report, console: Console) -> None:
    """Print every table."""
    source = report.source
    revisions = ", ".join(f"{run} {revision}" for run, revision in source.revisions.items())
    console.print(escape(f"{source.title}, answered by {source.answered_by}: {revisions}"))
    for table in tables(report):
        console.print(_rich_table(table))


def _rich_table(table: Table) -> RichTable:
    drawn = RichTable(
        title=table.title, caption=table.note, title_justify="left", caption_justify="left"
    )
    for index, column in enumerate(table.columns):
        drawn.add_column(column, justify="right" if index else "left")
    for row in table.rows:
        drawn.add_row(*map(escape, row.cells), style="bold" if row.strong else None)
    return drawn
