"""Where a peer is better than the service, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.bench.page import number
from loadtests.comparison.figures import ContenderFigures, capacity
from loadtests.comparison.plan import OURS, SHARES, THEIRS
from loadtests.comparison.reading import closed, cpu, opened, p99, server_rate
from loadtests.comparison.reasons import WinReasons
from loadtests.comparison.store import ServerRecord

CAPACITY, SERVER_RATE, CPU = "capacity", "Server rate", "CPU of 1,000 predictions"
MEMORY, START, FRAMEWORK = "memory", "start", "framework"


def _p99_at(share: float) -> str:
    return f"p99 at {share:.0%} of its own capacity"


FIGURES = (CAPACITY, SERVER_RATE, CPU, MEMORY, START, FRAMEWORK, *map(_p99_at, SHARES))
"""What is compared, by name."""


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


def wins_of(service: ServerRecord, peers: Sequence[ServerRecord], reasons: WinReasons) -> str:
    """Return a line for each figure in which a peer is better, with the reason."""
    lines = [
        f"- {peer['name']}, {figure}. {reasons.of(peer['slug'], figure.what)}"
        for peer in peers
        for figure in compared(service, peer)
        if figure.is_win
    ]
    return "\n".join(lines or ["In none of these figures."]) + "\n"


def compared(service: ServerRecord, peer: ServerRecord) -> Iterator[ComparedFigure]:
    """Yield the figures of a peer beside those that the service had in turns with it."""
    ours, theirs = (closed(peer, side) for side in (OURS, THEIRS))
    yield _more(CAPACITY, "requests/s", capacity(theirs), capacity(ours))
    its_rate, own_rate = server_rate(peer).rate, server_rate(service).rate
    if its_rate is not None and own_rate is not None:
        yield _more(SERVER_RATE, "queries/s", its_rate, own_rate)
    yield _less(CPU, "s", cpu(theirs), cpu(ours))
    yield _less(MEMORY, "MiB", peer["memory_mib"], service["memory_mib"])
    yield _less(START, "s", peer["start_s"], service["start_s"])
    if peer["null"] and service["null"]:
        own, its = (
            ContenderFigures.from_json(each["null"]).cpu_s_per_1000 for each in (service, peer)
        )
        yield _less(FRAMEWORK, "ms of a processor", its, own)
    own_loads, its_loads = (opened(peer, side) for side in (OURS, THEIRS))
    for share, load in own_loads.items():
        yield _less(_p99_at(share), "ms", p99(its_loads[share]), p99(load))


def _more(what: str, unit: str, theirs: float, ours: float) -> ComparedFigure:
    return ComparedFigure(what, unit, theirs, ours, more_is_better=True)


def _less(what: str, unit: str, theirs: float, ours: float) -> ComparedFigure:
    return ComparedFigure(what, unit, theirs, ours, more_is_better=False)
