"""The command line: start a fleet, shake it, and say what callers saw."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.errors import StartError
from loadtests.bench.inputs import mixed_bodies, mixed_items
from loadtests.bench.machine import describe_machine
from loadtests.fleet.consistent import KERNELS, largest_difference, logits_of
from loadtests.fleet.findings import FleetFindings, PhaseFindings, by_phase
from loadtests.fleet.fleet import FleetKey, ProxiedFleet, running_fleet, running_replicas
from loadtests.fleet.load import FleetLoad, saturated_rate
from loadtests.fleet.phases import HAPPENINGS, run_phase
from loadtests.fleet.replica import FleetError

COMPARED_ITEMS = 128
CALLERS = 48
"""Callers that saturate three replicas."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_Seconds = Annotated[
    float, typer.Option(min=0.5, help="That callers have to notice, in each phase.")
]
_Load = Annotated[
    float, typer.Option(min=0.05, max=1.0, help="Share of the capacity that is asked for.")
]
_Rate = Annotated[
    float | None, typer.Option(min=0.1, help="Calls a second, instead of that share.")
]
_Out = Annotated[Path | None, typer.Option(help="Folder for report.json and report.html.")]


@cli.command()
def fleet(
    seconds: _Seconds = 20.0, load: _Load = 0.7, rate: _Rate = None, out: _Out = None
) -> None:
    """Start three services behind HAProxy; kill, drain, stop and replace some under load.

    Exit status: 0 all targets are met, 1 one is missed, 2 the command cannot be carried out.
    """
    progress = Console(stderr=True)
    try:
        with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
            findings = shaken(Path(folder), seconds, load, rate, progress)
        report = findings.report(describe_machine())
        if out is not None:
            report.write(out)
    except (FleetError, StartError, OSError) as error:
        typer.echo(f"fleet: {error}", err=True)
        raise typer.Exit(2) from error
    for each in report.tables:
        table = Table(*each.columns, title=each.title)
        for row in each.rows:
            table.add_row(*row)
        Console(width=200).print(table)
    raise typer.Exit(1 if findings.missed else 0)


def shaken(
    folder: Path, seconds: float, load: float, rate: float | None, progress: Console
) -> FleetFindings:
    """Return what was found.

    Args:
        folder: for what the parts of the fleet write.
        seconds: that callers have to notice, in each phase.
        load: share of the measured capacity that is asked for.
        rate: calls a second instead; None takes the share.
        progress: says what happens.

    Raises:
        FleetError: a part of the fleet does not do what it should.
    """
    key = FleetKey.drawn(folder)
    progress.print("answers of replicas with different kernels")
    difference = kernel_difference(key)
    with running_fleet(key, folder) as made:
        progress.print("capacity of the three")
        port = made.proxy.port
        capacity = saturated_rate(port, mixed_bodies(), key.headers, CALLERS, seconds)
        asked = rate or load * capacity
        phases = _phases(made, key, asked, seconds, progress)
    return FleetFindings(capacity, asked, difference, phases)


def kernel_difference(key: FleetKey) -> float:
    """Return by how much logits differ between replicas that compute with different kernels."""
    items = mixed_items(COMPARED_ITEMS)
    settings = [{**key.settings, "XCOPA_LINEAR_KERNEL": kernel} for kernel in KERNELS]
    with running_replicas(settings) as replicas:
        return largest_difference([logits_of(each.port, items, key.headers) for each in replicas])


def _phases(
    made: ProxiedFleet, key: FleetKey, rate: float, seconds: float, progress: Console
) -> list[PhaseFindings]:
    phases = []
    with FleetLoad(made.proxy.port, mixed_bodies(), key.headers, rate) as load:
        for name in HAPPENINGS:
            progress.print(f"{rate:.1f} calls/s: {name}")
            phases.append(run_phase(made, name, seconds))
    return by_phase(phases, load.calls)
