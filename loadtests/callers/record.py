"""The record of a run: every latency, unrounded, what happened when, and the verdict."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from loadtests.callers.profiles import Stair, knee_of
from loadtests.callers.scenario_answer import ScenarioAnswer
from loadtests.report import plots
from loadtests.report.document import LoadReport, LoadTable
from loadtests.report.histogram import LatencyHistogram
from loadtests.report.timeline import LoadPoint, Moment
from loadtests.scrape import Totals, batch_rows

RESIDENT = "process_resident_memory_bytes"
_MIB = 2**20


@dataclass
class RouteLatencies:
    """By route, and how many requests failed."""

    by_route: dict[str, LatencyHistogram] = field(default_factory=dict)
    failed: int = 0

    def record(self, route: str, seconds: float, is_failure: bool) -> None:
        """Count a request."""
        self.by_route.setdefault(route, LatencyHistogram()).record(seconds)
        self.failed += is_failure

    def add(self, other: RouteLatencies) -> None:
        """Count what others have counted, too."""
        for route, histogram in other.by_route.items():
            self.by_route.setdefault(route, LatencyHistogram()).add(histogram)
        self.failed += other.failed

    @property
    def all(self) -> LatencyHistogram:
        """Those of all routes."""
        found = LatencyHistogram()
        for each in self.by_route.values():
            found.add(each)
        return found

    def to_wire(self) -> dict[str, Any]:
        """Return what a worker sends."""
        routes = {route: each.encoded() for route, each in self.by_route.items()}
        return {"routes": routes, "failed": self.failed}

    @classmethod
    def of_wire(cls, content: dict[str, Any]) -> RouteLatencies:
        """Read back what a worker sent."""
        routes = content["routes"].items()
        return cls({name: LatencyHistogram.of(text) for name, text in routes}, content["failed"])


class RunRecord:
    """One run: its latencies, and its timeline."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything: locust's page may start several runs."""
        self.whole, self.lately = RouteLatencies(), RouteLatencies()
        self.moments: list[Moment] = []
        self.stairs: list[Stair] = []
        self._began = self._last = time.monotonic()
        self._seen: Totals = {}

    def note(self, seen: Totals, users: int) -> None:
        """End a moment: what was recorded since the last one belongs to it."""
        now, lately, self.lately = time.monotonic(), self.lately, RouteLatencies()
        self.whole.add(lately)
        seconds, latencies = max(now - self._last, 1e-9), lately.all
        self.moments.append(
            Moment(
                at_s=now - self._began,
                offered=users,
                answered_per_s=(len(latencies) - lately.failed) / seconds,
                failed_per_s=lately.failed / seconds,
                p50_ms=1000 * latencies.quantile(0.5),
                p99_ms=1000 * latencies.quantile(0.99),
                batch_rows=batch_rows(self._seen, seen),
                memory_mib=seen[RESIDENT] / _MIB if RESIDENT in seen else None,
            )
        )
        self._last, self._seen = now, seen

    @property
    def points(self) -> list[LoadPoint]:
        """Latency against the number of users: the middle one of all moments with as many."""
        by_users: dict[float, list[Moment]] = {}
        for moment in self.moments:
            if moment.is_busy and moment.offered:
                by_users.setdefault(moment.offered, []).append(moment)
        return [
            LoadPoint(
                users,
                statistics.median(each.p50_ms for each in some),
                statistics.median(each.p99_ms for each in some),
                None,
            )
            for users, some in sorted(by_users.items())
        ]

    @property
    def seconds(self) -> float:
        """How long it has been."""
        return self._last - self._began


def verdict(record: RunRecord, bound_ms: float) -> tuple[str, bool]:
    """Say in one line what came of a run, and whether it is good."""
    latencies, failed = record.whole.all, record.whole.failed
    count, p99 = len(latencies), 1000 * latencies.quantile(0.99)
    rate = count / record.seconds if record.seconds else 0.0
    is_good = bool(count) and not failed and (not bound_ms or p99 <= bound_ms)
    said = (
        f"{'PASS' if is_good else 'FAIL'}: {count} requests, {rate:.1f} requests/s of callers that "
        f"wait for answers, p50 {1000 * latencies.quantile(0.5):.1f} ms, p99 {p99:.1f} ms"
        + (f" (bound {bound_ms:g} ms)" if bound_ms else "")
        + f", {failed} failed"
    )
    return said, is_good


def report_of(record: RunRecord, said: str, answers: Sequence[ScenarioAnswer] = ()) -> LoadReport:
    """Return the report of a run.

    Args:
        record: of the run.
        said: its verdict.
        answers: to the questions of its scenario.
    """
    knee = knee_of(record.stairs)
    routes = {route: each.to_json() for route, each in sorted(record.whole.by_route.items())}
    columns = ("count", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "p99.9_ms", "greatest_ms")
    return LoadReport(
        title="Load of locust's users",
        verdict=" / ".join([said, *map(str, answers)]),
        data={
            "answers": [{"status": each.status.value, "said": each.said} for each in answers],
            "routes": routes,
            "knee_users": knee.users if knee else None,
            "timeline": [asdict(each) for each in record.moments],
        },
        tables=[
            LoadTable(
                "Latencies by route",
                ("route", *(name.replace("_ms", ", ms") for name in columns)),
                [(name, *(f"{own[key]:.6g}" for key in columns)) for name, own in routes.items()],
            )
        ],
        plots=[
            ("Distribution by route", plots.distributions(record.whole.by_route)),
            ("Timeline", plots.timeline(record.moments, "users")),
            *_against_load(record, knee),
        ],
        notes=["Callers wait for their answers, so a slow service gets fewer questions."],
    )


def _against_load(record: RunRecord, knee: Stair | None) -> Iterator[tuple[str, str]]:
    """Draw latency against the number of users, where that has changed."""
    points = record.points
    if len(points) > 1:
        marks = {"knee, users": knee.users if knee else None}
        drawn = plots.latency_against_load(points, None, marks, "users that wait for answers")
        yield "Latency against load", drawn
