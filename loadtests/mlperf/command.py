"""The command line: MLPerf Inference's scenarios against the service."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from app.errors import StartError
from loadtests.items import ItemFields, load_items, load_labels
from loadtests.mlperf.run import SCENARIOS
from loadtests.mlperf.scenarios import ScenarioFigure, ScenarioRunner
from loadtests.mlperf.server_rate import ServerRules
from loadtests.number_options import MOST_MS, MOST_S
from loadtests.report import plots
from loadtests.report.document import LoadReport, LoadTable
from loadtests.report.timeline import LoadPoint
from loadtests.served import chosen_models, served_models
from loadtests.target import TargetError, target_service

NOT_OFFICIAL = (
    "Not an official MLPerf result: LoadGen and the rules of its scenarios are MLPerf's, but the "
    "model and the data are not, runs may be shorter, and nobody has reviewed them."
)
EARLY = (
    "Latencies of Server count from the moment at which LoadGen meant to send a query, so a slow "
    "system does not slow its own test. A run is valid if LoadGen's early stopping rule is met."
)

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


_Scenarios = Annotated[
    list[str] | None, typer.Argument(help=f"Of {', '.join(SCENARIOS)}; all without one.")
]
_Variants = Annotated[str, typer.Option(help="With commas between; empty: all.")]
_P99 = Annotated[
    float,
    typer.Option(
        min=1.0,
        max=MOST_MS,
        help="Of Server: 99 % are answered within so many ms.",
    ),
]
_Seconds = Annotated[
    float,
    typer.Option(min=0.1, max=MOST_S, help="Of each run, at least; a submission has 600."),
]
_MostSeconds = Annotated[
    float,
    typer.Option(
        "--most-s",
        min=1.0,
        max=MOST_S,
        help="Of a run of Server, at most: a low rate needs longer for enough queries.",
    ),
]
_Precision = Annotated[
    float,
    typer.Option(min=0.01, max=1.0, help="How exact Server's rate is, as a share."),
]
_Accuracy = Annotated[
    bool, typer.Option("--accuracy", help="Ask each item once and compare with its label.")
]
_Against = Annotated[
    str | None, typer.Option(help="A service that runs; without one, one is started.")
]
_Out = Annotated[
    Path | None, typer.Option(help="Folder for LoadGen's logs, report.json and report.html.")
]


@cli.command()
def mlperf(
    scenarios: _Scenarios = None,
    variants: _Variants = "",
    p99_ms: _P99 = 500.0,
    seconds: _Seconds = 60.0,
    most_s: _MostSeconds = 300.0,
    precision: _Precision = 0.05,
    accuracy: _Accuracy = False,
    against: _Against = None,
    out: _Out = None,
) -> None:
    """Run MLPerf Inference's scenarios with its own load generator. No official results.

    Exit status: 0 all runs are valid, 1 one is not, 2 the command cannot be carried out.
    """
    wanted = scenarios or list(SCENARIOS)
    _check(wanted, SCENARIOS)
    typer.echo(NOT_OFFICIAL)
    rules = ServerRules(seconds, max(seconds, most_s), p99_ms / 1000, precision)
    try:
        items, labels = _items(accuracy)
        with (
            target_service(against) as service,
            nullcontext(str(out)) if out is not None else TemporaryDirectory() as folder,
        ):
            runners = [
                ScenarioRunner(service, each, items, rules, Path(folder), _say)
                for each in chosen_models(variants, served_models(service))
            ]
            figures = list(_figures(runners, wanted, labels if accuracy else None))
        if out is not None:
            report_of(figures).write(out)
    except (TargetError, StartError, OSError) as error:
        typer.echo(f"mlperf: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if all(each.is_valid for each in figures) else 1)


def _check(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(known)}")


def _items(with_labels: bool) -> tuple[list[ItemFields], list[int]]:
    """Return the items of all languages, and their labels if they are wanted."""
    named = os.environ.get("XCOPA_DATA_DIR")
    data = Path(named) if named else None
    by_language = load_items(data)
    labels = load_labels(data) if with_labels else {}
    items = [item for name in by_language for item in by_language[name]]
    return items, [label for name in labels for label in labels[name]]


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _figures(
    runners: Sequence[ScenarioRunner], wanted: Sequence[str], labels: Sequence[int] | None
) -> Iterator[ScenarioFigure]:
    for runner in runners:
        for scenario in wanted:
            found = runner.figure(scenario) if labels is None else runner.accuracy(scenario, labels)
            typer.echo(str(found))
            yield found


def report_of(figures: Sequence[ScenarioFigure]) -> LoadReport:
    """Return the report of all scenarios."""
    rows = [
        (
            *(each.scenario, each.variant, each.what, each.said_value, each.unit),
            "PASS" if each.is_valid else f"FAIL: {each.why_not}",
        )
        for each in figures
    ]
    columns = ("scenario", "variant", "what", "value", "unit", "verdict")
    return LoadReport(
        title="MLPerf Inference's scenarios (no official results)",
        verdict=" / ".join(map(str, figures)),
        data={"official": False, "figures": [asdict(each) for each in figures]},
        tables=[LoadTable("Scenarios", columns, rows)],
        plots=list(_plots(figures)),
        notes=[NOT_OFFICIAL, EARLY],
    )


def _plots(figures: Sequence[ScenarioFigure]) -> Iterator[tuple[str, str]]:
    """Draw Server's latency against its rates, and of the streams how long queries take."""
    for figure in figures:
        tried = [LoadPoint(**each) for each in figure.details.get("tried", ())]
        if tried:
            marks = {"highest valid rate": figure.value}
            title = f"{figure.scenario} {figure.variant}: latency against offered load"
            yield title, plots.latency_against_load(tried, figure.details["bound_ms"], marks)
    streams = {
        f"{each.scenario} {each.variant}": each.details["curve"]
        for each in figures
        if each.details.get("curve")
    }
    if streams:
        yield "Distributions of queries", plots.curves(streams)
