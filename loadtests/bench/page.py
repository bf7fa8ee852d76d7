"""Writes the tables of ``docs/results/speed.md`` from the results in ``speed.json``.

    python -m loadtests.bench.page

A table is between two markers, and the first of them names its measurements:

    <!-- speed:begin saturation lone -->
    <!-- speed:end -->
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loadtests.bench.results import BenchResult

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
PAGE, DATA = RESULTS / "speed.md", RESULTS / "speed.json"

_BLOCK = re.compile(r"(<!-- speed:begin ([a-z ]+) -->\n).*?(<!-- speed:end -->)", re.DOTALL)
_THOUSAND = 1000


def rewritten(page: str, data: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page with each table made of the data.

    Args:
        page: the text, with markers.
        data: by measurement, as ``python -m loadtests.bench --out`` keeps it; what it lacks has
            not been measured.
    """

    def block(found: re.Match[str]) -> str:
        begin, names, end = found.groups()
        return begin + table(names.split(), data) + end

    return _BLOCK.sub(block, page)


def table(names: list[str], data: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table of Markdown with the results of some measurements, one line for each.

    What has no result is named below it.
    """
    measured = [name for name in names if name in data]
    missing = ", ".join(f"`{name}`" for name in names if name not in data)
    parts = [_measured(measured, data)] if measured else []
    if missing:
        parts.append(f"Not measured yet: {missing}.\n")
    return "\n".join(parts)


def _measured(names: list[str], data: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        "| measurement | what | unit | median | least | greatest | target | details |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        for content in data[name]["results"]:
            result = BenchResult.from_json(content)
            numbers = [number(each) for each in (result.value, result.least, result.greatest)]
            details = "; ".join(
                f"{key.replace('_', ' ')} {text(each)}" for key, each in result.details.items()
            )
            cells = [name, result.name, result.unit, *numbers, result.target, details]
            lines.append("| " + " | ".join(cells) + " |")
    machines = "; ".join(dict.fromkeys(machine(data[name]["machine"]) for name in names))
    return "\n".join([*lines, "", f"{machines}.", ""])


def machine(content: Mapping[str, Any]) -> str:
    """Return what a reader should know of a machine, in one line."""
    gpu = f"{content['gpu']}, " if "gpu" in content else ""
    return (
        f"{content['date']}: {gpu}{content['processor']}, {content['cores']} cores, "
        f"{content['instructions']}, torch {content['torch']}, Python {content['python']}"
    )


def number(value: float) -> str:
    """Return a number with three digits that count; whole from a thousand on."""
    return f"{value:,.0f}" if abs(value) >= _THOUSAND else f"{value:.3g}"


def text(detail: object) -> str:
    """Return a detail for reading: numbers as in the table, lists and mappings in words."""
    if isinstance(detail, dict):
        return ", ".join(f"{key}: {text(each)}" for key, each in detail.items())
    if isinstance(detail, list):
        return " and ".join(map(text, detail))
    return f"{detail:,}" if isinstance(detail, int) else f"{detail:.4g}"


def main() -> None:
    """Write the page anew."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), data), encoding="utf-8")


if __name__ == "__main__":
    main()
