"""The aims of the comparison and their verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.comparison.aims import NOT_JUDGED, server_ratio, verdicts
from loadtests.comparison.plan import OURS, THEIRS
from loadtests.mlperf.server_rate import ServerRate
from tests.loadtests.comparison.records import load, peer, service

CAPACITY, SERVER, LATENCY, COST = range(4)


def verdict(number: int, *peers: dict[str, Any], own: dict[str, Any] | None = None) -> str:
    return str(verdicts(own or service(), peers)[number])


def rated(rate: float | None, **more: Any) -> dict[str, Any]:
    return {"server": ServerRate(rate, **more).to_json()}


def test_every_aim_can_be_met() -> None:
    """The service's capacity is 80, its Server rate 60; the peer has 40 and 20."""
    assert [str(each) for each in verdicts(service(), [peer(), peer("LitServe", 30.0)])] == [
        "met: capacity at least 1.5 times the best peer's: 2 times that of mosec, the best of 2",
        "met: Server rate at least 1.5 times the best peer's: 3 times that of mosec, the best of 2",
        "met: the lowest p99 at every load: at all 8 loads",
        "met: the lowest CPU a prediction: mosec takes 2 times the service's",
    ]


def test_the_best_peer_decides() -> None:
    assert verdict(CAPACITY, peer(), peer("LitServe", 60.0)) == (
        "missed: capacity at least 1.5 times the best peer's: "
        "1.33 times that of LitServe, the best of 2"
    )
    assert verdict(SERVER, peer(), peer("LitServe", **rated(50.0))).startswith("missed: ")


def test_one_higher_p99_misses_the_aim_and_is_named() -> None:
    loads = [
        {"share": 0.3, OURS: load(9, p99_ms=9.0), THEIRS: load(9, p99_ms=8.0)},
        {"share": 0.6, OURS: load(9, p99_ms=9.0), THEIRS: load(9, p99_ms=9.0)},
        {"share": 1.2, OURS: load(9, failed_share=0.5), THEIRS: load(9, failed_share=0.5)},
    ]
    assert verdict(LATENCY, peer(), peer("LitServe", open=loads)) == (
        "missed: the lowest p99 at every load: higher at 1 of 7: LitServe at 30%"
    )
    assert verdict(LATENCY, peer(open=loads[1:])).startswith("met: ")


def test_a_cheaper_peer_misses_the_aim() -> None:
    cheap = {OURS: [load(80)], THEIRS: [load(40, cpu_s_per_1000=20.0)]}
    assert verdict(COST, peer(), peer("LitServe", closed=cheap)) == (
        "missed: the lowest CPU a prediction: LitServe takes 0.8 times the service's"
    )


def test_a_server_rate_that_was_not_measured_was_won_by_the_service() -> None:
    unknown = peer("LitServe", **rated(None, why_not="too few queries"))
    assert server_ratio(service(), unknown) is None
    assert verdict(SERVER, peer(), unknown) == (
        f"{NOT_JUDGED}: Server rate at least 1.5 times the best peer's: not measured: that of "
        "LitServe"
    )
    assert verdict(SERVER, peer(**rated(50.0)), unknown).startswith("missed: ")
    own = service(**rated(None, why_not="too few queries"))
    assert verdict(SERVER, peer(), own=own).startswith(f"{NOT_JUDGED}: ")


@pytest.mark.parametrize(("too_high", "outcome"), [(30.0, "met"), (50.0, NOT_JUDGED)])
def test_a_peer_that_is_too_slow_at_a_rate_has_none_above_it(too_high: float, outcome: str) -> None:
    slow = peer("LitServe", **rated(None, why_not="too slow", too_high=too_high))
    assert verdict(SERVER, peer(), slow).startswith(f"{outcome}: ")
    assert verdict(SERVER, slow).startswith(f"{outcome}: ")
