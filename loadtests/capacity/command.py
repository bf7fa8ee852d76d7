"""The command line: how many requests a second at which p99, by variant and by route."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from app.errors import StartError
from loadtests.capacity import options
from loadtests.capacity.answer import CapacityAnswer, capacity_report, worst_status
from loadtests.capacity.live import LiveTrials, RateTrial, ServiceFailedError, saturated_rate
from loadtests.capacity.search import CapacitySearch, SearchRules
from loadtests.capacity.sequential import ServiceGoal
from loadtests.cases import RouteCase, route_cases
from loadtests.items import load_items
from loadtests.mix import MixError, RequestMix, read_mix
from loadtests.served import chosen_models, served_models
from loadtests.target import TargetError, TargetService, target_service

CALLERS, SATURATED_S = 16, 3.0
BELOW_SATURATION = 0.7
"""Where the search begins, as a share of what callers get that wait for their answers."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@cli.command()
def capacity(
    p99_ms: options.P99Option = 500.0,
    errors: options.ErrorsOption = 0.01,
    routes: options.RoutesOption = "single",
    variants: options.VariantsOption = "",
    at_least: options.AtLeastOption = 0.0,
    against: options.AgainstOption = None,
    languages: options.LanguagesOption = "",
    lengths: options.RepetitionsOption = "1",
    batch_sizes: options.BatchSizesOption = "8",
    choices: options.ChoicesOption = "4",
    precision: options.PrecisionOption = 0.1,
    confidence: options.ConfidenceOption = 0.95,
    repeats: options.RepeatsOption = 2,
    most_s: options.MostSecondsOption = 300.0,
    most_trials: options.MostTrialsOption = SearchRules.most_trials,
    out: options.OutOption = None,
) -> None:
    """Find the highest rate of random arrivals at which a service is fast enough.

    Exit status: 0 the answer is sure (and at least what is wanted), 1 fewer than wanted, 2 the
    command cannot be carried out, 3 the run was too noisy to be sure.
    """
    goal = ServiceGoal(p99_ms / 1000, errors)
    window_s = _window_s(goal)
    rules = SearchRules(goal, confidence, precision, repeats, window_s, most_s, most_trials)
    data = os.environ.get("XCOPA_DATA_DIR")
    try:
        items = load_items(Path(data) if data else None)
        mix = read_mix(items, languages, lengths, "", batch_sizes, choices)
        answers = _answers(against, rules, at_least, AskedRoutes(routes, variants, mix), out)
    except (MixError, TargetError, ServiceFailedError, StartError, OSError) as error:
        typer.echo(f"capacity: {error}", err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(worst_status(answers))


@dataclass(frozen=True)
class AskedRoutes:
    """What the options name: routes and variants with commas between, and what is sent."""

    routes: str
    variants: str
    mix: RequestMix

    def cases(self, served: Sequence[str]) -> list[RouteCase]:
        """Return a case for each of them; raises TargetError where a variant is not served."""
        chosen = chosen_models(self.variants, served)
        return route_cases(self.routes.split(","), chosen, self.mix, served)


def _answers(
    against: str | None,
    rules: SearchRules,
    wanted: float,
    asked: AskedRoutes,
    out: Path | None,
) -> list[CapacityAnswer]:
    with target_service(against) as service:
        seeking = CapacityRun(service, rules, wanted, Console(stderr=True))
        answers = list(seeking.answers(asked.cases(served_models(service))))
    if out is not None:
        title = f"Requests a second at p99 below {1000 * rules.goal.p99_s:g} ms"
        capacity_report(answers, title).write(out)
    return answers


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
                f"p99 {point.p99_ms:.4g} ms, {late:.2%} late, {trial.limit}"
                + (f", failed: {trial.failures}" if trial.failures else ""),
                soft_wrap=True,
            )
            return trial

        return told
