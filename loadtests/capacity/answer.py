"""What a search found for one case: its rate, its verdict, and its report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtests.capacity.live import RateTrial
from loadtests.capacity.resources import DISTURBING, OTHERS
from loadtests.capacity.search import CapacityFound, SearchRules
from loadtests.cases import RouteCase
from loadtests.report import plots
from loadtests.report.document import LoadReport, LoadTable
from loadtests.report.histogram import LatencyHistogram
from loadtests.report.knee import power_knee

PASSED, TOO_FEW, NOT_SURE = 0, 1, 3
"""Exit statuses; 2 is that of a command line that cannot be read."""

_WORDS = {PASSED: "PASS", TOO_FEW: "FAIL", NOT_SURE: "NOISY"}
_HOLDS = {True: "holds", False: "does not hold", None: "not decided"}


@dataclass(frozen=True)
class CapacityAnswer:
    """The capacity of a route with a variant."""

    case: RouteCase
    rules: SearchRules
    found: CapacityFound[RateTrial]
    wanted: float = 0.0
    """Requests a second that are enough."""

    @property
    def noise(self) -> list[str]:
        """Why it is not to be relied on: what the search saw, and what else ran."""
        others = max((trial.shares.get(OTHERS, 0.0) for trial in self.found.trials), default=0.0)
        told = [f"{OTHERS} took up to {others:.0%} of the processors"]
        return [*self.found.noise, *(told if others >= DISTURBING else ())]

    @property
    def status(self) -> int:
        """The exit status: too few requests a second are certain also where there is noise."""
        if self.wanted and self.found.is_surely_below(self.wanted):
            return TOO_FEW
        if self.found.rate is None or self.noise:
            return NOT_SURE
        return PASSED if self.found.rate >= self.wanted else TOO_FEW

    @property
    def limit(self) -> str:
        """The resource that was the limit, where the rate was just too high, or at the most."""
        trials = self.found.trials
        failed = [trial for trial in trials if trial.decision.holds is False]
        most = max(trials, key=lambda trial: trial.rate)
        return min(failed, key=lambda trial: trial.rate, default=most).limit

    @property
    def knee(self) -> float | None:
        """Requests a second of the trial with the most requests for the wait."""
        return power_knee([trial.point for trial in self.found.trials])

    @property
    def latencies(self) -> LatencyHistogram:
        """Those of all trials of the rate that was found."""
        found = LatencyHistogram()
        for trial in self.found.trials:
            if trial.rate == self.found.rate:
                found.add(trial.latencies)
        return found

    def __str__(self) -> str:
        goal = self.rules.goal
        bound = f"p99 below {1000 * goal.p99_s:g} ms and at most {goal.errors:.1%} errors"
        if self.found.rate is None:
            said = f"no rate with {bound} was found"
        else:
            said = (
                f"{self.found.rate:.4g} requests/s ({self.found.rate * self.case.items:.4g} "
                f"items/s) with {bound}, {self.rules.confidence:.0%} sure"
            )
        if self.found.too_high is not None:
            said += f"; {self.found.too_high:.4g} requests/s are too many"
        said += f"; limit: {self.limit}"
        if self.wanted:
            said += f"; wanted: {self.wanted:g} requests/s"
        noise = f"; noise: {'; '.join(self.noise)}" if self.noise else ""
        return f"{_WORDS[self.status]}: {self.case.name}: {said}{noise}"

    def to_json(self) -> dict[str, Any]:
        """Return everything, for programs."""
        return {
            "route": self.case.route,
            "variant": self.case.variant,
            "verdict": str(self),
            "status": self.status,
            "requests_per_s": self.found.rate,
            "items_per_s": None if self.found.rate is None else self.found.rate * self.case.items,
            "too_high_requests_per_s": self.found.too_high,
            "knee_requests_per_s": self.knee,
            "limit": self.limit,
            "noise": self.noise,
            "latencies": self.latencies.to_json(),
            "trials": list(map(_trial, self.found.trials)),
        }


def _trial(trial: RateTrial) -> dict[str, Any]:
    point = trial.point
    return {
        "requests_per_s": trial.rate,
        "verdict": _HOLDS[trial.decision.holds],
        "requests": trial.decision.requests,
        "late_share": trial.decision.late_share,
        "p50_ms": point.p50_ms,
        "p99_ms": point.p99_ms,
        "sent_late_ms": 1000 * trial.lag_s,
        "limit": trial.limit,
        "failures": trial.failures,
        "used": trial.shares,
        "timeline": [asdict(each) for each in trial.moments],
    }


def worst_status(answers: Sequence[CapacityAnswer]) -> int:
    """Return the exit status of several cases: too few is worse than not sure."""
    statuses = {answer.status for answer in answers}
    return next(each for each in (TOO_FEW, NOT_SURE, PASSED) if each in statuses)


def capacity_report(answers: Sequence[CapacityAnswer], title: str) -> LoadReport:
    """Return the report of several cases."""
    return LoadReport(
        title=title,
        verdict=" / ".join(map(str, answers)),
        data={"cases": [answer.to_json() for answer in answers]},
        tables=[_table(answers), *map(_trials, answers)],
        plots=list(_plots(answers)),
        notes=[
            "Requests come at random times (a Poisson process), whether or not others have been "
            "answered, and a latency counts from the moment at which the request was due."
        ],
    )


def _table(answers: Sequence[CapacityAnswer]) -> LoadTable:
    rows = []
    for answer in answers:
        found, latencies = answer.found, answer.latencies
        rates = [found.rate, found.rate and found.rate * answer.case.items, found.too_high]
        rows.append(
            (
                answer.case.route,
                answer.case.variant,
                *("-" if rate is None else f"{rate:.4g}" for rate in rates),
                f"{1000 * latencies.quantile(0.5):.4g}",
                f"{1000 * latencies.quantile(0.99):.4g}",
                answer.limit,
                _WORDS[answer.status],
            )
        )
    columns = (
        *("route", "variant", "requests/s", "items/s", "too high, requests/s"),
        *("p50, ms", "p99, ms", "limit", "verdict"),
    )
    return LoadTable("Capacity", columns, rows)


def _trials(answer: CapacityAnswer) -> LoadTable:
    rows = []
    for trial in answer.found.trials:
        point, decision = trial.point, trial.decision
        numbers = (trial.rate, decision.requests, 100 * decision.late_share)
        latencies = (point.p50_ms, point.p99_ms)
        cells = [f"{each:.4g}" for each in (*numbers, *latencies)]
        rows.append((*cells, _HOLDS[decision.holds], trial.limit))
    columns = ("requests/s", "requests", "late, %", "p50, ms", "p99, ms", "verdict", "limit")
    return LoadTable(f"Trials of {answer.case.name}, one after the other", columns, rows)


def _plots(answers: Sequence[CapacityAnswer]) -> Iterator[tuple[str, str]]:
    for answer in answers:
        name, trials = answer.case.name, answer.found.trials
        points, bound = [trial.point for trial in trials], 1000 * answer.rules.goal.p99_s
        marks = {
            "highest a second in time": answer.found.rate,
            "knee, the most requests for the wait": answer.knee,
        }
        drawn = plots.latency_against_load(points, bound, marks)
        yield f"{name}: latency against offered load", drawn
        moments = [moment for trial in trials for moment in trial.moments]
        if moments:
            yield f"{name}: timeline of all trials", plots.timeline(moments, "offered a s")
    # A rate that nothing was tried at is the half of one that did not always hold: no latencies.
    latencies = {each.case.name: each.latencies for each in answers if len(each.latencies)}
    if latencies:
        yield "Distributions at the rates that were found", plots.distributions(latencies)
