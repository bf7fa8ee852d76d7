"""Where a peer is better than the service, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.bench.page import number
from loadtests.comparison.figures import LoadFigures, capacity, middle
from loadtests.comparison.plan import OURS, THEIRS
from loadtests.comparison.store import ServerRecord

_LATE = 0.01


@dataclass(frozen=True)
class ComparedFigure:
    """A quantity of both sides."""

    what: str
    unit: str
    theirs: float
    ours: float
    more_is_better: bool

    @property
    def is_win(self) -> bool:
        """Whether the peer is better."""
        if self.more_is_better:
            return self.theirs > self.ours
        return self.theirs < self.ours

    def __str__(self) -> str:
        return f"{self.what}: {number(self.theirs)} {self.unit}, the service {number(self.ours)}"


def wins_of(service: ServerRecord, peers: Sequence[ServerRecord]) -> str:
    """Return a line for each figure in which a peer is better."""
    lines = [
        f"- {peer['name']}, {figure}"
        for peer in peers
        for figure in compared(service, peer)
        if figure.is_win
    ]
    return "\n".join(lines or ["In none of these figures."]) + "\n"


def compared(service: ServerRecord, peer: ServerRecord) -> Iterator[ComparedFigure]:
    """Yield the figures of a peer beside those that the service had in turns with it."""
    ours, theirs = (
        [LoadFigures.from_json(each) for each in peer["closed"][side]] for side in (OURS, THEIRS)
    )
    yield ComparedFigure("capacity", "requests/s", capacity(theirs), capacity(ours), True)
    rates = (peer["server"]["rate"], service["server"]["rate"])
    yield ComparedFigure("Server rate", "queries/s", *rates, True)
    cost = (middle(each, _cpu) for each in (theirs, ours))
    yield ComparedFigure("CPU of 1,000 predictions", "s", *cost, False)
    yield ComparedFigure("memory", "MiB", peer["memory_mib"], service["memory_mib"], False)
    yield ComparedFigure("start", "s", peer["start_s"], service["start_s"], False)
    if peer["null"] and service["null"]:
        frameworks = (_cpu(LoadFigures.from_json(each["null"])) for each in (peer, service))
        yield ComparedFigure("framework", "ms of a processor", *frameworks, False)
    for load in peer["open"]:
        name = f"p99 at {load['share']:.0%} of its own capacity"
        values = (p99(LoadFigures.from_json(load[side])) for side in (THEIRS, OURS))
        yield ComparedFigure(name, "ms", *values, False)


def p99(load: LoadFigures) -> float:
    """Return the 99th percentile of all requests, in ms: infinite if 1 % had no sound answer."""
    return math.inf if load.failed_share > _LATE else load.p99_ms


def _cpu(load: LoadFigures) -> float:
    return load.cpu_s_per_1000
