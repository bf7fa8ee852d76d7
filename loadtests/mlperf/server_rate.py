"""The rate of MLPerf's Server scenario: runs that are long enough to be judged, and their search.

LoadGen's early stopping rule asks for 99 % confidence that 99 % of the queries are in time. With
none late that takes 459 queries, with one 662, with five 1,307. A low rate needs minutes for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from loadtests.mlperf.run import ENOUGH, SERVER, LoadGenRun, StreamSettings
from loadtests.mlperf.search import JudgedRate, RateJudgement, RateSearch
from loadtests.report.timeline import LoadPoint

FEWEST = 459
"""Queries with which LoadGen's rule can be met, if none is late."""

NOT_MEASURED = "not measured"

_HOLDS = {RateJudgement.VALID: True, RateJudgement.TOO_SLOW: False, RateJudgement.TOO_FEW: None}


@dataclass(frozen=True)
class ServerRules:
    """How long runs are, and what is asked of them. Times are in seconds."""

    seconds: float
    """Of a run, at least."""
    most_s: float
    """Of a run whose rate needs longer for its queries, at most."""
    bound_s: float
    """What the p99 may be."""
    precision: float
    """Of the rate, as a share."""

    @property
    def least_rate(self) -> float:
        """Queries a second below which a run of ``most_s`` could not be valid."""
        return FEWEST / self.most_s

    def settings(self, rate: float) -> StreamSettings:
        """Return how LoadGen runs at a rate: with enough queries, or as many as time allows."""
        queries = max(FEWEST, min(ENOUGH[SERVER], int(rate * self.most_s)))
        return StreamSettings(SERVER, self.seconds, self.bound_s, rate, queries)


@dataclass(frozen=True)
class ServerRate:
    """The highest rate of MLPerf's Server that LoadGen calls valid."""

    rate: float | None
    """Queries per second; None if none is known."""
    why_not: str = ""
    """Why there is none."""
    too_high: float | None = None
    """The lowest rate that was too slow; None where none was."""
    p99_ms: float = 0.0
    """At the rate; 0 without one."""
    queries: int = 0
    too_late: int = 0
    """Of the queries at the rate."""
    tried: list[LoadPoint] = field(default_factory=list)
    """In the order in which they were tried."""

    def __str__(self) -> str:
        return f"{NOT_MEASURED}: {self.why_not}" if self.rate is None else f"{self.rate:.4g}"

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Read back what ``to_json`` returned."""
        return cls(**{**content, "tried": [LoadPoint(**each) for each in content["tried"]]})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class ServerRateSearch:
    """Searches for the Server rate of a system.

    Args:
        who: named in what is said.
        rules: see ``ServerRules``.
        run: has LoadGen run with settings; the number of the run names its folder.
        say: gets a line for each run.
    """

    who: str
    rules: ServerRules
    run: Callable[[StreamSettings, int], LoadGenRun]
    say: Callable[[str], None]
    _runs: dict[float, LoadGenRun] = field(default_factory=dict)

    def find(self, start: float) -> ServerRate:
        """Search from a rate that may well be near the answer."""
        search = RateSearch(self._judged, self.rules.precision, self.rules.least_rate)
        found = search.run(start)
        tried = [point_of(rate, run) for rate, run in self._runs.items()]
        if found.rate is None:
            return ServerRate(None, found.why_not, found.too_high, tried=tried)
        log = self._runs[found.rate].log
        return ServerRate(
            rate=found.rate,
            too_high=found.too_high,
            p99_ms=1000 * log.seconds("result_99.00_percentile_latency_ns"),
            queries=int(log.number("result_query_count")),
            too_late=int(log.number("result_overlatency_query_count")),
            tried=tried,
        )

    def _judged(self, rate: float) -> JudgedRate:
        run = self._runs[rate] = self.run(self.rules.settings(rate), len(self._runs))
        judgement = judgement_of(run)
        is_valid = judgement is RateJudgement.VALID
        said = "valid" if is_valid else f"not valid, {judgement.value}: {run.why_not}"
        self.say(f"{self.who}: Server at {rate:.4g} queries/s: {said}")
        return JudgedRate(rate, judgement, "" if is_valid else run.why_not)


def judgement_of(run: LoadGenRun) -> RateJudgement:
    """Say whether a run of Server is valid, and if it is not, what was wrong."""
    if run.is_valid:
        return RateJudgement.VALID
    if run.is_in_time and not run.failed:
        return RateJudgement.TOO_FEW
    return RateJudgement.TOO_SLOW


def point_of(rate: float, run: LoadGenRun) -> LoadPoint:
    """Return a run as a point of latency against load."""
    p50, p99 = (
        1000 * run.log.seconds(f"result_{share}_percentile_latency_ns")
        for share in ("50.00", "99.00")
    )
    return LoadPoint(rate, p50, p99, _HOLDS[judgement_of(run)])
