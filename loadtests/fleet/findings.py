"""What the callers of the fleet saw, phase by phase, and how that compares with the targets."""

from __future__ import annotations

import math
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
    """A phase and the calls that were due in it."""

    phase: FleetPhase
    statuses: dict[str, int]
    """How many calls ended with each; 0 is a connection that broke."""
    p50: float
    p99: float
    """Of all calls, in seconds; NaN where there was none."""

    @classmethod
    def of(cls, phase: FleetPhase, calls: Sequence[FleetCall]) -> PhaseFindings:
        """Find the calls of a phase."""
        own = [call for call in calls if phase.began <= call.due < phase.ended]
        seconds = sorted(call.seconds for call in own)
        counted = Counter(str(call.status) for call in own)
        return cls(phase, dict(counted), quantile(seconds, 0.5), quantile(seconds, 0.99))

    @property
    def calls(self) -> int:
        return sum(self.statuses.values())

    @property
    def failed(self) -> int:
        """Calls without an answer, those that were refused too."""
        return self.calls - self.statuses.get(str(int(HTTPStatus.OK)), 0)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value that so many of the values do not exceed (nearest rank)."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class FleetFindings:
    """A whole run."""

    capacity: float
    rate: float
    """Calls per second: what was answered at most, and what was sent."""
    difference: float
    """Of logits, between replicas with different kernels."""
    phases: Sequence[PhaseFindings]

    def of(self, name: str) -> PhaseFindings:
        """Return a phase by its name."""
        return next(each for each in self.phases if each.phase.name == name)

    def results(self) -> list[BenchResult]:
        """Return the figures that have targets."""
        kill, rolling = self.of("killed"), self.of("rolling")
        slower = kill.p99 / self.of("steady").p99
        beyond = max(0, kill.failed - (kill.phase.held or 0))
        return [
            BenchResult.of(
                "failed calls while all replicas are replaced in order",
                "calls",
                [rolling.failed],
                "<= 0",
                calls=rolling.calls,
                load=round(self.rate / self.capacity, 2),
            ),
            BenchResult.of(
                "failed calls beyond those that a killed replica held",
                "calls",
                [beyond],
                "<= 0",
                failed=kill.failed,
                held=kill.phase.held,
                calls=kill.calls,
            ),
            BenchResult.of(
                "p99 while a replica is killed over p99 before", RATIO, [slower], "<= 1.5"
            ),
            BenchResult.of(
                "largest difference of a logit between replicas with different kernels",
                "logit",
                [self.difference],
                f"<= {TOLERANCE:g}",
            ),
        ]

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
            "rate_per_second": self.rate,
            "phases": [_as_json(each) for each in self.phases],
            "results": [each.to_json() for each in self.results()],
        }
        return LoadReport(TITLE, verdict, data, [self._seen(), self._targets()])

    def _seen(self) -> LoadTable:
        columns = ("phase", "what", "calls", "statuses", "failed", "held", "p50 ms", "p99 ms")
        rows = [
            (
                *(each.phase.name, each.phase.what, str(each.calls)),
                ", ".join(f"{status}: {count}" for status, count in sorted(each.statuses.items())),
                *(str(each.failed), "" if each.phase.held is None else str(each.phase.held)),
                *(f"{1000 * seconds:.0f}" for seconds in (each.p50, each.p99)),
                str(each.phase.least_ready),
            )
            for each in self.phases
        ]
        return LoadTable("What callers saw", (*columns, "ready at least"), rows)

    def _targets(self) -> LoadTable:
        rows = [
            (each.name, each.unit, f"{each.value:.3g}", each.target, each.verdict)
            for each in self.results()
        ]
        return LoadTable("Targets", ("figure", "unit", "value", "target", "verdict"), rows)


def _as_json(found: PhaseFindings) -> dict[str, Any]:
    return {
        **asdict(found.phase),
        "seconds": found.phase.ended - found.phase.began,
        "statuses": found.statuses,
        "calls": found.calls,
        "failed": found.failed,
        "p50_ms": milliseconds(found.p50),
        "p99_ms": milliseconds(found.p99),
    }
