"""What the record of a server says, in values."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from loadtests.comparison.figures import ContenderFigures, middle
from loadtests.comparison.store import ServerRecord
from loadtests.mlperf.server_rate import ServerRate

_LATE = 0.01


def closed(record: ServerRecord, side: str) -> list[ContenderFigures]:
    """Return the closed loads of a side."""
    return [ContenderFigures.from_json(each) for each in record["closed"][side]]


def opened(record: ServerRecord, side: str) -> dict[float, ContenderFigures]:
    """Return the open loads of a side, by their share of its own capacity."""
    return {load["share"]: ContenderFigures.from_json(load[side]) for load in record["open"]}


def server_rate(record: ServerRecord) -> ServerRate:
    """Return the rate of MLPerf's Server, or why it was not measured."""
    return ServerRate.from_json(record["server"])


def over(ours: Sequence[ContenderFigures], theirs: Sequence[ContenderFigures]) -> float:
    """Return the service's capacity over a peer's: the median over the rounds."""
    pairs = zip(ours, theirs, strict=True)
    return statistics.median(
        one.answered_per_s / other.answered_per_s if other.answered_per_s else math.inf
        for one, other in pairs
    )


def p99(load: ContenderFigures) -> float:
    """Return the 99th percentile of all requests, in ms: infinite if 1 % had no sound answer."""
    return math.inf if load.failed_share > _LATE else load.p99_ms


def cpu(loads: Sequence[ContenderFigures]) -> float:
    """Return the processor seconds for 1,000 predictions: the median of the loads."""
    return middle(loads, lambda load: load.cpu_s_per_1000)
