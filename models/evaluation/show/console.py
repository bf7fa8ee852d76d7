"""Prints a report on a terminal, however narrow: no figure is cut."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table as RichTable

from models.evaluation.measure.report import Report
from models.evaluation.show.tables import Table, TableRow, tables

_INDENT = "  "
_ANY_WIDTH = 10_000


def print_report(report: Report, console: Console) -> None:
    """Print every table, see ``print_table``."""
    source = report.source
    revisions = ", ".join(f"{run} {revision}" for run, revision in source.revisions.items())
    console.print(
        escape(f"{source.title}, answered by {source.answered_by}: {revisions}"), overflow="fold"
    )
    for table in tables(report):
        print_table(table, console)


def print_table(table: Table, console: Console) -> None:
    """Print a table: with lines, without them, or figure by figure, whichever fits first."""
    if _measured(with_lines := _with_lines(table), console).maximum <= console.width:
        console.print(with_lines)
    elif _measured(without := _without_lines(table), console).minimum <= console.width:
        console.print(without)
    else:
        _print_rows(table, console)


def _measured(drawn: RichTable, console: Console) -> Measurement:
    """Return the widths that a table needs, whatever the terminal has."""
    return Measurement.get(console, console.options.update(width=_ANY_WIDTH), drawn)


def _with_lines(table: Table) -> RichTable:
    drawn = RichTable(
        title=table.title, caption=table.note, title_justify="left", caption_justify="left"
    )
    for index, column in enumerate(table.columns):
        drawn.add_column(column, justify="right" if index else "left")
    return _filled(drawn, table)


def _without_lines(table: Table) -> RichTable:
    """Draw a table in which the names of rows and columns are wrapped, and no figure is."""
    drawn = RichTable(
        title=table.title,
        caption=table.note,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=0,
    )
    first, *others = table.columns
    drawn.add_column(first)
    for index, column in enumerate(others, start=1):
        width = max(map(len, (*column.split(), *(row.cells[index] for row in table.rows))))
        header = "\n".join(wrap(column, width))
        drawn.add_column(header, justify="right", min_width=width, no_wrap=True)
    return _filled(drawn, table)


def _filled(drawn: RichTable, table: Table) -> RichTable:
    for row in table.rows:
        drawn.add_row(*map(escape, row.cells), style="bold" if row.strong else None)
    return drawn


def _print_rows(table: Table, console: Console) -> None:
    console.print(escape(table.title), style="italic")
    for row in table.rows:
        for line in _lines_of(table, row, console.width):
            console.print(escape(line), style="bold" if row.strong else None, overflow="fold")
    console.print(escape(table.note), style="dim italic")


def _lines_of(table: Table, row: TableRow, width: int) -> Iterator[str]:
    """Lay one row out: its name, and below it each figure with the name of its column."""
    yield row.cells[0]
    for column, cell in zip(table.columns[1:], row.cells[1:], strict=True):
        whole = f"{_INDENT}{column}: {cell}"
        if cell and len(whole) <= width:
            yield whole
        elif cell:
            yield f"{_INDENT}{column}:"
            yield f"{_INDENT}{_INDENT}{cell}"
