"""A report: its verdict, its tables and its plots, written as JSON and as a page."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{border:1px solid #ccc;padding:.25rem .6rem;text-align:left}"
    "svg{height:auto;max-width:100%}"
)


@dataclass(frozen=True)
class LoadTable:
    """A title, the names of the columns with their units, and the rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class LoadReport:
    """What a run found."""

    title: str
    verdict: str
    """In one sentence, with units."""
    data: dict[str, Any]
    """Everything, for programs."""
    tables: Sequence[LoadTable] = ()
    plots: Sequence[tuple[str, str]] = field(default=())
    """Titles and SVG."""
    notes: Sequence[str] = ()

    def write(self, folder: Path) -> None:
        """Write ``report.json`` and ``report.html`` into a folder, which is made.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        content = finite({"title": self.title, "verdict": self.verdict, **self.data})
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        (folder / "report.json").write_text(text, encoding="utf-8")
        (folder / "report.html").write_text(self.page(), encoding="utf-8")

    def page(self) -> str:
        """Return the page; it needs no other file."""
        title = html.escape(self.title)
        parts = [
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
            f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
            f"<p><strong>{html.escape(self.verdict)}</strong></p>",
            *(f"<p>{html.escape(note)}</p>" for note in self.notes),
            *map(_table, self.tables),
            *(f"<h2>{html.escape(name)}</h2>{drawn}" for name, drawn in self.plots),
            "</body></html>\n",
        ]
        return "\n".join(parts)


def finite(value: Any) -> Any:
    """Return a value for JSON: what is infinite or no number is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return value


def _table(table: LoadTable) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    return f"<h2>{html.escape(table.title)}</h2><table><tr>{head}</tr>{rows}</table>"
