"""What the callers of the fleet saw, phase by phase, and how that compares with the targets."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from loadtests.bench.results import MISSED, RATIO, BenchResult, milliseconds
from loadtests.fleet.consistent import TOLERANCE
from loadtests.fleet.load import FleetCall
from loadtests.fleet.phases import FleetPhase
from loadtests.report.document import LoadReport, LoadTable

TITLE = "Three services behind HAProxy"


@dataclass(frozen=True)
class PhaseFindings:
    """A phase and the calls that ended in it."""

    phase: FleetPhase
    statuses: dict[str, int]
    """How many calls ended with each; 0 is a connection that broke."""
    p50: float
    p99: float
    """Of all calls, in seconds; NaN where there was none."""
    others_p99: float
    """The same without the ``held`` slowest calls, which are taken for those that were held."""

    @classmethod
    def of(cls, phase: FleetPhase, calls: Sequence[FleetCall]) -> PhaseFindings:
        """Make them of the calls of a phase."""
        seconds = sorted(call.seconds for call in calls)
        others = seconds[: max(0, len(seconds) - (phase.held or 0))]
        return cls(
            phase,
            dict(Counter(str(call.status) for call in calls)),
            quantile(seconds, 0.5),
            quantile(seconds, 0.99),
            quantile(others, 0.99),
        )

    @property
    def calls(self) -> int:
        return sum(self.statuses.values())

    @property
    def failed(self) -> int:
        """Calls without an answer, those that were refused too."""
        return self.calls - self.statuses.get(str(int(HTTPStatus.OK)), 0)

    @property
    def beyond(self) -> int:
        """Failed calls more than a replica held."""
        return max(0, self.failed - (self.phase.held or 0))

    @property
    def rate(self) -> float:
        """Calls a second that ended."""
        return self.calls / (self.phase.ended - self.phase.began)


def by_phase(phases: Sequence[FleetPhase], calls: Sequence[FleetCall]) -> list[PhaseFindings]:
    """Give each call to the phase that had begun last when it ended: none is left out.

    Not when it was due: what a replica holds when it is killed came before that.
    """
    begun = [phase.began for phase in phases]
    own: list[list[FleetCall]] = [[] for _ in phases]
    for call in calls:
        own[max(0, bisect_right(begun, call.ended) - 1)].append(call)
    return [PhaseFindings.of(phase, each) for phase, each in zip(phases, own, strict=True)]


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value that so many of the values do not exceed (nearest rank)."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class FleetFindings:
    """A whole run."""

    capacity: float
    """Calls a second that were answered at most."""
    asked: float
    """Calls a second that were to be sent."""
    difference: float
    """Of logits, between replicas with different kernels."""
    phases: Sequence[PhaseFindings]

    def of(self, name: str) -> PhaseFindings:
        """Return a phase by its name."""
        return next(each for each in self.phases if each.phase.name == name)

    def load(self, found: PhaseFindings) -> float:
        """Return what ended in a phase, over the capacity."""
        return found.rate / self.capacity

    def results(self) -> list[BenchResult]:
        """Return the figures that have targets."""
        return [
            self._failed("rolling", "failed calls while all replicas are replaced in order"),
            self._failed("steady", "failed calls while nothing happens"),
            self._failed("restarted", "failed calls while the killed replica is started again"),
            self._failed("drained", "failed calls while a replica is drained and replaced"),
            self._beyond("killed", "failed calls beyond those that a killed replica held"),
            self._beyond(
                "stuck", "failed calls beyond those that a replica with a stuck engine held"
            ),
            self._slower(self.of("killed").p99, "p99 while a replica is killed over p99 before"),
            self._slower(
                self.of("stuck").others_p99,
                "p99 of the calls that a stuck engine did not delay over p99 before",
            ),
            BenchResult.of(
                "largest difference of a logit between replicas with different kernels",
                "logit",
                [self.difference],
                f"<= {TOLERANCE:g}",
            ),
        ]

    def _failed(self, phase: str, name: str) -> BenchResult:
        found = self.of(phase)
        load = round(self.load(found), 2)
        return BenchResult.of(name, "calls", [found.failed], "<= 0", calls=found.calls, load=load)

    def _beyond(self, phase: str, name: str) -> BenchResult:
        found = self.of(phase)
        details = {"failed": found.failed, "held": found.phase.held, "calls": found.calls}
        return BenchResult.of(name, "calls", [found.beyond], "<= 0", **details)

    def _slower(self, seconds: float, name: str) -> BenchResult:
        return BenchResult.of(name, RATIO, [seconds / self.of("steady").p99], "<= 1.5")

    @property
    def missed(self) -> list[str]:
        """The names of the targets that are missed."""
        return [each.name for each in self.results() if each.verdict == MISSED]

    def report(self, machine: dict[str, object]) -> LoadReport:
        """Return the report of the run."""
        verdict = "Missed: " + "; ".join(self.missed) if self.missed else "All targets are met."
        data: dict[str, Any] = {
            "machine": machine,
            "capacity_per_second": self.capacity,
            "asked_per_second": self.asked,
            "phases": [self._as_json(each) for each in self.phases],
            "results": [each.to_json() for each in self.results()],
        }
        return LoadReport(TITLE, verdict, data, [self._seen(), self._targets()])

    def _seen(self) -> LoadTable:
        columns = ("phase", "what", "load", "calls", "statuses", "failed", "held")
        rows = [
            (
                *(each.phase.name, each.phase.what, f"{self.load(each):.0%}", str(each.calls)),
                ", ".join(f"{status}: {count}" for status, count in sorted(each.statuses.items())),
                *(str(each.failed), "" if each.phase.held is None else str(each.phase.held)),
                *(f"{1000 * seconds:.0f}" for seconds in (each.p50, each.p99)),
                str(each.phase.least_ready),
            )
            for each in self.phases
        ]
        seen = ("p50 ms", "p99 ms", "ready at least")
        return LoadTable("What callers saw", (*columns, *seen), rows)

    def _targets(self) -> LoadTable:
        rows = [
            (each.name, each.unit, f"{each.value:.3g}", each.target, each.verdict)
            for each in self.results()
        ]
        return LoadTable("Targets", ("figure", "unit", "value", "target", "verdict"), rows)

    def _as_json(self, found: PhaseFindings) -> dict[str, Any]:
        return {
            **asdict(found.phase),
            "seconds": found.phase.ended - found.phase.began,
            "ended_per_second": found.rate,
            "ended_over_capacity": self.load(found),
            "statuses": found.statuses,
            "calls": found.calls,
            "failed": found.failed,
            "p50_ms": milliseconds(found.p50),
            "p99_ms": milliseconds(found.p99),
            "others_p99_ms": milliseconds(found.others_p99),
        }
