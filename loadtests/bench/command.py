"""The command line of the benchmarks: it selects, runs, prints and stores measurements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from loadtests.bench.machine import describe_machine
from loadtests.bench.registry import MEASUREMENTS
from loadtests.bench.results import MISSED, BenchResult

_LIST = "\n".join(f"{each.name:<12}{each.help}" for each in MEASUREMENTS.values())
# Click keeps the line breaks of a paragraph that begins with \\b.
_HELP = f"Measure speed; print medians, least and greatest.\n\n\b\nMeasurements:\n{_LIST}"

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _known(names: list[str] | None) -> list[str]:
    for name in names or []:
        if name not in MEASUREMENTS:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(MEASUREMENTS)}")
    return names or list(MEASUREMENTS)


@cli.command(help=_HELP)
def bench(
    measurements: Annotated[
        list[str] | None,
        typer.Argument(callback=_known, help="Names from the list; all of them without one."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="JSON with the results; others in it are kept.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 if a target is missed.")
    ] = False,
) -> None:
    """Run the measurements that are named, one after the other."""
    missed = 0
    progress, output = Console(stderr=True), Console(width=200)
    for name in measurements or []:
        progress.rule(name)
        results = MEASUREMENTS[name].measure(progress)
        if not results:  # it has said why; what is kept may have been measured elsewhere
            continue
        output.print(table_of(name, results))
        missed += sum(each.verdict == MISSED for each in results)
        if out is not None:
            keep(out, name, results)
    output.print(f"targets missed: {missed}")
    if check and missed:
        raise typer.Exit(1)


def keep(path: Path, name: str, results: list[BenchResult]) -> None:
    """Write the results of a measurement, with the machine; other results of the file stay."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    content[name] = {
        "machine": describe_machine(),
        "results": [each.to_json() for each in results],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def table_of(name: str, results: list[BenchResult]) -> Table:
    """Return the results as a table for the terminal, one line for each."""
    table = Table(title=name)
    for column in ("result", "unit", "median", "least", "greatest", "target", "verdict", "details"):
        table.add_column(column)
    for each in results:
        said = json.dumps(each.details)
        numbers = [f"{value:.3g}" for value in (each.value, each.least, each.greatest)]
        table.add_row(each.name, each.unit, *numbers, each.target, each.verdict, said)
    return table
