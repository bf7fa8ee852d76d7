"""Prints a report on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.evaluation.grids import Grid, grids
from models.evaluation.report import Report


def print_report(report: Report, console: Console) -> None:
    """Print every table."""
    source = report.source
    revisions = ", ".join(f"{run} {revision}" for run, revision in source.revisions.items())
    console.print(escape(f"{source.split} items, answered by {source.answered_by}: {revisions}"))
    for grid in grids(report):
        console.print(_table(grid))


def _table(grid: Grid) -> Table:
    table = Table(title=grid.title, caption=grid.note, title_justify="left", caption_justify="left")
    for index, column in enumerate(grid.columns):
        table.add_column(column, justify="right" if index else "left")
    for line in grid.lines:
        table.add_row(*map(escape, line.cells), style="bold" if line.strong else None)
    return table
