"""A report as Markdown, ready for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.evaluation.grids import Grid, Line, grids
from models.evaluation.report import Report


def to_markdown(report: Report) -> str:
    """Return every table of a report, each under a heading of its own."""
    source = report.source
    head = [
        "# Evaluation",
        "",
        f"Split `{source.split}`, answered by {source.answered_by}; {report.resamples:,} resamples "
        "a bootstrap.",
        "",
        table(
            ("run", "revision"),
            (Line((f"`{run}`", f"`{own}`")) for run, own in source.revisions.items()),
        ),
    ]
    return "\n".join(head) + "".join(f"\n{_section(grid)}" for grid in grids(report))


def _section(grid: Grid) -> str:
    return f"## {grid.title}\n\n{grid.note}\n\n{table(grid.columns, grid.lines)}"


def table(columns: Sequence[str], lines: Iterable[Line]) -> str:
    """Return a Markdown table; a strong line's name is bold."""
    rows = [_row(columns), "|" + "---|" * len(columns), *map(_line, lines)]
    return "\n".join(rows) + "\n"


def _line(line: Line) -> str:
    name, *figures = line.cells
    return _row([f"**{name}**" if line.strong else name, *figures])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
