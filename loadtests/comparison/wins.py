"""Where a peer is better than the service, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.bench.page import number
from loadtests.comparison.figures import ContenderFigures, capacity, middle
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
        [ContenderFigures.from_json(each) for each in peer["closed"][side]]
        for side in (OURS, THEIRS)
    )
    yield _more("capacity", "requests/s", capacity(theirs), capacity(ours))
    yield _more("Server rate", "queries/s", peer["server"]["rate"], service["server"]["rate"])
    yield _less("CPU of 1,000 predictions", "s", middle(theirs, _cpu), middle(ours, _cpu))
    yield _less("memory", "MiB", peer["memory_mib"], service["memory_mib"])
    yield _less("start", "s", peer["start_s"], service["start_s"])
    if peer["null"] and service["null"]:
        own, its = (_cpu(ContenderFigures.from_json(each["null"])) for each in (service, peer))
        yield _less("framework", "ms of a processor", its, own)
    for load in peer["open"]:
        name = f"p99 at {load['share']:.0%} of its own capacity"
        own, its = (p99(ContenderFigures.from_json(load[side])) for side in (OURS, THEIRS))
        yield _less(name, "ms", its, own)


def _more(what: str, unit: str, theirs: float, ours: float) -> ComparedFigure:
    return ComparedFigure(what, unit, theirs, ours, more_is_better=True)


def _less(what: str, unit: str, theirs: float, ours: float) -> ComparedFigure:
    return ComparedFigure(what, unit, theirs, ours, more_is_better=False)


def p99(load: ContenderFigures) -> float:
    """Return the 99th percentile of all requests, in ms: infinite if 1 % had no sound answer."""
    return math.inf if load.failed_share > _LATE else load.p99_ms


def _cpu(load: ContenderFigures) -> float:
    return load.cpu_s_per_1000
