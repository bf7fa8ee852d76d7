"""The aims of the comparison, each with a verdict over all peers that were measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtests.bench.page import number
from loadtests.bench.results import MET, MISSED
from loadtests.comparison.plan import OURS, THEIRS
from loadtests.comparison.reading import closed, cpu, opened, over, p99, server_rate
from loadtests.comparison.store import ServerRecord

NOT_JUDGED = "not judged"

TIMES = 1.5
"""How many times that of the best peer the service's capacity and Server rate are to be."""


@dataclass(frozen=True)
class AimVerdict:
    """An aim, and whether it is reached."""

    aim: str
    outcome: str
    """``met``, ``missed`` or ``not judged``."""
    found: str
    """The figures behind it."""

    def __str__(self) -> str:
        return f"{self.outcome}: {self.aim}: {self.found}"


def verdicts(service: ServerRecord, peers: Sequence[ServerRecord]) -> list[AimVerdict]:
    """Return a verdict for each aim.

    Args:
        service: its record.
        peers: the records of those that have figures; one at least.
    """
    return [_capacity(peers), _server(service, peers), _latency(peers), _cost(peers)]


def server_ratio(service: ServerRecord, peer: ServerRecord) -> float | None:
    """Return the service's Server rate over a peer's; None where one was not measured."""
    own, its = server_rate(service).rate, server_rate(peer).rate
    return None if own is None or its is None else own / its


def _capacity(peers: Sequence[ServerRecord]) -> AimVerdict:
    aim = f"capacity at least {TIMES:g} times the best peer's"
    ratios = {each["name"]: over(closed(each, OURS), closed(each, THEIRS)) for each in peers}
    return AimVerdict(aim, _reached(min(ratios.values())), _least(ratios))


def _server(service: ServerRecord, peers: Sequence[ServerRecord]) -> AimVerdict:
    """Where a peer is too slow to have a rate, it is below one that was too much for it."""
    aim = f"Server rate at least {TIMES:g} times the best peer's"
    own = server_rate(service).rate
    if own is None:
        return AimVerdict(aim, NOT_JUDGED, f"the service's: {server_rate(service)}")
    ratios = {
        each["name"]: ratio for each in peers if (ratio := server_ratio(service, each)) is not None
    }
    if ratios and min(ratios.values()) < TIMES:
        return AimVerdict(aim, MISSED, _least(ratios))
    unknown = [
        each["name"]
        for each in peers
        if each["name"] not in ratios and not _is_below(server_rate(each).too_high, own / TIMES)
    ]
    if unknown:
        return AimVerdict(aim, NOT_JUDGED, f"not measured: that of {', '.join(unknown)}")
    return AimVerdict(aim, MET, _least(ratios) if ratios else "no peer holds the bound at any rate")


def _is_below(too_high: float | None, rate: float) -> bool:
    return too_high is not None and too_high <= rate


def _latency(peers: Sequence[ServerRecord]) -> AimVerdict:
    aim = "the lowest p99 at every load"
    apart = [
        (p99(own) - p99(theirs), f"{each['name']} at {share:.0%}")
        for each in peers
        for (share, own), theirs in zip(
            opened(each, OURS).items(), opened(each, THEIRS).values(), strict=True
        )
    ]
    # Two infinite ones have no difference, and neither is lower.
    higher = [where for difference, where in apart if difference > 0]
    if not higher:
        return AimVerdict(aim, MET, f"at all {len(apart)} loads")
    return AimVerdict(aim, MISSED, f"higher at {len(higher)} of {len(apart)}: {', '.join(higher)}")


def _cost(peers: Sequence[ServerRecord]) -> AimVerdict:
    aim = "the lowest CPU a prediction"
    ratios = {
        each["name"]: _ratio(cpu(closed(each, THEIRS)), cpu(closed(each, OURS))) for each in peers
    }
    outcome = MET if min(ratios.values()) > 1 else MISSED
    name = min(ratios, key=ratios.__getitem__)
    return AimVerdict(aim, outcome, f"{name} takes {number(ratios[name])} times the service's")


def _ratio(one: float, other: float) -> float:
    return one / other if other else math.inf


def _reached(ratio: float) -> str:
    return MET if ratio >= TIMES else MISSED


def _least(ratios: Mapping[str, float]) -> str:
    name = min(ratios, key=ratios.__getitem__)
    return f"{number(ratios[name])} times that of {name}, the best of {len(ratios)}"
