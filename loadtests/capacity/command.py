"""The command line: how many requests a second at which p99, by variant and by route."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.errors import StartError
from app.settings import VARIANTS
from loadtests.capacity.answer import CapacityAnswer, capacity_report, worst_status
from loadtests.capacity.live import LiveTrials, RateTrial, ServiceFailedError, saturated_rate
from loadtests.capacity.search import CapacitySearch, SearchRules
from loadtests.capacity.sequential import ServiceGoal
from loadtests.cases import ROUTES, RouteCase, route_cases
from loadtests.items import load_items
from loadtests.mix import MixError, read_mix
from loadtests.target import TargetError, TargetService, target_service

CALLERS, SATURATED_S = 16, 3.0
BELOW_SATURATION = 0.7
"""Where the search begins, as a share of what callers get that wait for their answers."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _of(known: Sequence[str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        for name in text.split(","):
            if name not in known:
                raise typer.BadParameter(f"{name!r} is not one of {', '.join(known)}")
        return text

    return checked


@cli.command()
def capacity(
    p99_ms: Annotated[
        float, typer.Option(min=1.0, help="99 % of the requests are answered within so many ms.")
    ] = 500.0,
    errors: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="Share of requests that may fail, at most.")
    ] = 0.01,
    routes: Annotated[
        str, typer.Option(callback=_of(ROUTES), help="With commas between.")
    ] = "single",
    variants: Annotated[
        str, typer.Option(callback=_of(VARIANTS), help="With commas between.")
    ] = ",".join(VARIANTS),
    at_least: Annotated[
        float, typer.Option(min=0.0, help="Exit with 1 if it is fewer requests a second.")
    ] = 0.0,
    against: Annotated[
        str | None, typer.Option(help="A service that runs; without one, one is started.")
    ] = None,
    languages: Annotated[str, typer.Option(help="With commas between; empty: all.")] = "",
    lengths: Annotated[str, typer.Option(help="Times a premise is said: 1:8,4:1.")] = "1",
    batch_sizes: Annotated[str, typer.Option(help="Items of a batch: 8:4,64:1.")] = "8",
    choices: Annotated[str, typer.Option(help="Choices of a ranking: 2:1,32:1.")] = "4",
    precision: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="How exact the answer is, as a share.")
    ] = 0.1,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="How sure it is that the answer holds.")
    ] = 0.95,
    repeats: Annotated[int, typer.Option(min=1, help="Trials of the answer at the end.")] = 2,
    most_s: Annotated[float, typer.Option(min=1.0, help="Seconds of a trial, at most.")] = 300.0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.json and report.html.")
    ] = None,
) -> None:
    """Find the highest rate of random arrivals at which a service is fast enough.

    Exit status: 0 the answer is sure (and at least what is wanted), 1 fewer than wanted, 2 the
    command cannot be carried out, 3 the run was too noisy to be sure.
    """
    goal = ServiceGoal(p99_ms / 1000, errors)
    rules = SearchRules(goal, confidence, precision, repeats, _window_s(goal), most_s)
    data = os.environ.get("XCOPA_DATA_DIR")
    try:
        items = load_items(Path(data) if data else None)
        mix = read_mix(items, languages, lengths, "", batch_sizes, choices)
        cases = route_cases(routes.split(","), variants.split(","), mix)
        with target_service(against) as service:
            seeking = CapacityRun(service, rules, at_least, Console(stderr=True))
            answers = list(seeking.answers(cases))
        if out is not None:
            title = f"Requests a second at p99 below {p99_ms:g} ms"
            capacity_report(answers, title).write(out)
    except (MixError, TargetError, ServiceFailedError, StartError, OSError) as error:
        typer.echo(f"capacity: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(worst_status(answers))


def _window_s(goal: ServiceGoal) -> float:
    """A window is no shorter than the bound, and longer than most bursts."""
    return max(SearchRules.window_s, goal.p99_s)


@dataclass(frozen=True)
class CapacityRun:
    """Searches, case by case."""

    service: TargetService
    rules: SearchRules
    wanted: float
    progress: Console

    def answers(self, cases: Sequence[RouteCase]) -> Iterator[CapacityAnswer]:
        """Yield the answer of each case, and print it.

        Raises:
            ServiceFailedError: the service does not answer soundly.
        """
        for case in cases:
            start = BELOW_SATURATION * saturated_rate(self.service, case, CALLERS, SATURATED_S)
            trials = LiveTrials(self.service, case, self.rules)
            search = CapacitySearch(self._told(case, trials.attempt), self.rules)
            answer = CapacityAnswer(case, self.rules, search.run(start), self.wanted)
            typer.echo(str(answer))
            yield answer

    def _told(
        self, case: RouteCase, attempt: Callable[[float, float], RateTrial]
    ) -> Callable[[float, float], RateTrial]:
        def told(rate: float, effect: float) -> RateTrial:
            trial = attempt(rate, effect)
            point, late = trial.point, trial.decision.late_share
            holds = {True: "holds", False: "does not hold", None: "not decided"}
            self.progress.print(
                f"{case.name}: {rate:.4g} requests/s: {holds[trial.decision.holds]}, "
                f"p99 {point.p99_ms:.4g} ms, {late:.2%} late, {trial.limit}",
                soft_wrap=True,
            )
            return trial

        return told
