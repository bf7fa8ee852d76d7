"""A report as Markdown: every table as a page, and the table of a model card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.evaluation.measure.languages import GROUP_TITLES, language_name
from models.evaluation.measure.report import Report, ReportSource
from models.evaluation.show.numbers import interval
from models.evaluation.show.tables import READING_TITLES, Table, TableRow, tables


def to_markdown(report: Report) -> str:
    """Return every table of a report, each under a heading of its own."""
    source = report.source
    head = [
        "# Evaluation",
        "",
        f"{_asked(source)}, answered by {source.answered_by}; {report.resamples:,} resamples "
        "a bootstrap.",
        "",
        markdown_table(
            ("run", "revision"),
            (TableRow((f"`{run}`", f"`{own}`")) for run, own in source.revisions.items()),
        ),
    ]
    return "\n".join(head) + "".join(f"\n{_section(table)}" for table in tables(report))


def card_table(report: Report, variant: str) -> str:
    """Return the table of a model card: rows are languages and means, columns are readings.

    In per cent, with 95 % intervals: Wilson, and for means a bootstrap over items.

    Args:
        report: of an evaluation.
        variant: ``direct`` or ``stilts``.
    """
    readings = list(report.readings.values())
    languages = zip(*(reading.languages for reading in readings), strict=True)
    means = zip(*(reading.means for reading in readings), strict=True)
    rows = [
        *(
            TableRow(
                (
                    language_name(own[0].language),
                    *(interval(each.accuracy[variant]) for each in own),
                )
            )
            for own in languages
        ),
        *(
            TableRow(
                (GROUP_TITLES[own[0].group], *(interval(each.accuracy[variant]) for each in own)),
                strong=True,
            )
            for own in means
        ),
    ]
    titles = (READING_TITLES[questions] for questions in report.readings)
    return markdown_table(("language", *titles), rows)


def markdown_table(columns: Sequence[str], rows: Iterable[TableRow]) -> str:
    """Return a Markdown table; the name of a strong row is bold."""
    lines = [_line(columns), "|" + "---|" * len(columns), *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _asked(source: ReportSource) -> str:
    return f"Items of `{source.file}`" if source.split is None else f"Split `{source.split}`"


def _section(table: Table) -> str:
    return f"## {table.title}\n\n{table.note}\n\n{markdown_table(table.columns, table.rows)}"


def _row(row: TableRow) -> str:
    name, *figures = row.cells
    return _line([f"**{name}**" if row.strong else name, *figures])


def _line(cells: Iterable[str]) -> str:
    # A file may name its languages as it likes.
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
