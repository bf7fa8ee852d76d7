"""``xcopa plan``: how many replicas a load needs, by simulation."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import httpx
import typer
from rich import box
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.errors import StartError
from app.keys.own_key import own_key
from app.serving.admission import Limits
from app.settings import Settings
from planning.balancing import BALANCERS
from planning.command import PlanQuestion, plan
from planning.figures import Effort, OnRun
from planning.lengths import LengthMix
from planning.report import PlanReport, ReportTable, summary, tables
from planning.simulation import Fleet
from planning.speed import (
    PlanningError,
    ReplicaSpeed,
    check_engines,
    check_front,
    check_pace,
    speed_of,
)
from planning.study import Goal
from planning.traffic import Traffic
from xcopa.start import failing_on, needs

REPORT, PICTURE = "plan.json", "latency.png"
ASK_LIMIT_S = 30.0
_EVERY_RUNS = 50
"""Where there is no terminal, a line is written after so many simulations."""


@dataclass(frozen=True)
class LoadOptions:
    """What comes."""

    rate: float
    burst: float
    lengths: str | None
    languages: str | None


@dataclass(frozen=True)
class ReplicaOptions:
    """What a replica is, and how fast."""

    against: str | None
    curve: Path | None
    key_file: Path | None
    model: str | None
    pace: float
    front_ms: float
    engines: Sequence[int]


@dataclass(frozen=True)
class GoalOptions:
    """What has to be reached, and how requests are shared out; times in seconds."""

    p99: float
    replicas_down: int
    policy: str


@dataclass(frozen=True)
class EffortOptions:
    """How much is simulated."""

    requests: int
    runs: int
    seed: int
    whole: int


@dataclass(frozen=True)
class PlanOptions:
    """The options of the command."""

    load: LoadOptions
    replica: ReplicaOptions
    goal: GoalOptions
    effort: EffortOptions
    out: Path | None


def run(options: PlanOptions, settings: Settings) -> None:
    """Plan, print the answer, and write it where the options say.

    Args:
        options: of the command line.
        settings: say how long the queue is, how long a request may take, and what is measured here.
    """
    if options.out is not None:
        with needs("evaluate"):
            import matplotlib.figure  # noqa: F401, PLC0415 - said before the work, not after it
    with failing_on(PlanningError, StartError, OSError):
        question = question_of(options, settings)
        if options.out is not None:
            _make(options.out)
        with _progress() as on_run:
            report = plan(question, on_run)
        if options.out is not None:
            _write(report, options.out)
    console = Console()
    console.print(summary(report), soft_wrap=True, highlight=False, markup=False)
    for table in tables(report):
        console.print(_drawn(table))
    if options.out is not None:
        typer.echo(f"wrote {options.out / REPORT} and {options.out / PICTURE}")


def question_of(options: PlanOptions, settings: Settings) -> PlanQuestion:
    """Check every option, and only then find out how fast a replica is.

    Raises:
        PlanningError: an option is wrong; the message names it.
        StartError: the models cannot be measured here.
    """
    load, goal, effort = options.load, options.goal, options.effort
    if goal.policy not in BALANCERS:
        raise PlanningError(f"--policy: {goal.policy!r} is not one of {', '.join(BALANCERS)}")
    lengths = _lengths(load)
    with naming("--rate, --burst"):
        traffic = Traffic(load.rate, lengths, load.burst)
    with naming("--p99, --replicas-down"):
        wanted = Goal(goal.p99, goal.replicas_down)
    with naming("--requests, --runs, --whole, --seed"):
        much = Effort(effort.requests, effort.runs, effort.seed, effort.whole)
    speed = _speed(options.replica, settings)
    limits = Limits(settings.queue_seconds, settings.max_wait_ms / 1000)
    fleet = Fleet(speed, 1, goal.policy, limits, settings.request_timeout_ms / 1000)
    return PlanQuestion(fleet, traffic, wanted, options.replica.engines or (speed.engines,), much)


@contextmanager
def naming(option: str) -> Iterator[None]:
    """Have an error name the options that caused it."""
    try:
        yield
    except PlanningError as error:
        raise PlanningError(f"{option}: {error}") from error


def _lengths(load: LoadOptions) -> LengthMix:
    if load.lengths is not None and load.languages is not None:
        raise PlanningError("--lengths, --languages: both say how long requests are; give one")
    if load.lengths is not None:
        with naming("--lengths"):
            return LengthMix.parse(load.lengths)
    if load.languages is not None:
        with naming("--languages"):
            return LengthMix.of_languages([name.strip() for name in load.languages.split(",")])
    return LengthMix.usual()


def _speed(replica: ReplicaOptions, settings: Settings) -> ReplicaSpeed:
    with naming("--engines"):
        for count in replica.engines:
            check_engines(count)
    if replica.against is not None and replica.curve is not None:
        raise PlanningError("--against, --curve: both say how fast a replica is; give one")
    with naming("--pace"):
        check_pace(replica.pace)
    with naming("--front-ms"):
        check_front(replica.front_ms / 1000)
    where, body = _models(replica, settings)
    with naming(where):
        return speed_of(body, replica.model, replica.pace, replica.front_ms / 1000)


def _models(replica: ReplicaOptions, settings: Settings) -> tuple[str, object]:
    """Return what ``GET /models`` answers, and from where: a file, a service or this machine."""
    if (file := replica.curve) is not None:
        with naming("--curve"):
            return f"--curve: {file}", _content(file)
    if (url := replica.against) is not None:
        with naming("--against"):
            return f"--against: {url}", _answer_of(url, own_key(replica.key_file, os.environ))
    from xcopa.plan_here import models_here  # noqa: PLC0415 - it loads the service

    return "the models here", models_here(settings)


def _content(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanningError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise PlanningError(f"{file} is not JSON: {error}") from error


def _answer_of(url: str, key: str | None) -> object:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    try:
        response = httpx.get(f"{url.rstrip('/')}/models", headers=headers, timeout=ASK_LIMIT_S)
        body = response.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PlanningError(f"{url} cannot be reached: {error}") from error
    except ValueError as error:
        raise PlanningError(f"{url} answers GET /models with no JSON") from error
    if response.status_code != httpx.codes.OK:
        detail = body.get("detail", "") if isinstance(body, dict) else ""
        raise PlanningError(f"{url} answers GET /models with {response.status_code}: {detail}")
    return body


@contextmanager
def _progress() -> Iterator[OnRun]:
    """Count simulations on standard error; how many there will be, the search finds out."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (SpinnerColumn(), TextColumn("{task.completed:.0f} simulations"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda: bars.advance(task)


class _Lines:
    """Says now and then how many simulations were made."""

    def __init__(self) -> None:
        self._runs = 0

    def __call__(self) -> None:
        self._runs += 1
        if self._runs % _EVERY_RUNS == 0:
            typer.echo(f"{self._runs} simulations", err=True)


def _drawn(table: ReportTable) -> Table:
    drawn = Table(
        title=table.title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=0,
    )
    for index, column in enumerate(table.columns):
        # Names of columns are wrapped, and no figure is.
        width = max(map(len, (*column.split(), *(row[index] for row in table.rows))))
        header = "\n".join(wrap(column, width))
        drawn.add_column(header, justify="right" if index else "left", no_wrap=True)
    for row in table.rows:
        drawn.add_row(*row)
    return drawn


def _make(directory: Path) -> None:
    """Make the directory before the work, and not after it.

    Raises:
        PlanningError: it cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlanningError(f"--out: {directory} cannot be made: {error.strerror}") from error


def _write(report: PlanReport, directory: Path) -> None:
    """Write the report and its picture.

    Raises:
        OSError: they cannot be written.
    """
    from planning.plots import draw  # noqa: PLC0415 - only who writes needs matplotlib

    content = json.dumps(report.to_json(), indent=2, allow_nan=False)
    (directory / REPORT).write_text(content + "\n", encoding="utf-8")
    draw(report, directory / PICTURE)
