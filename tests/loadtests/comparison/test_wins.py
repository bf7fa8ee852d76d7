"""Which figures of a peer are better than the service's."""

from __future__ import annotations

import math
from typing import Any

import pytest

from loadtests.comparison.figures import ContenderFigures
from loadtests.comparison.plan import OURS, THEIRS
from loadtests.comparison.wins import compared, p99
from tests.loadtests.comparison.records import load, peer, service


def better(**changes: Any) -> set[str]:
    return {each.what for each in compared(service(), peer(**changes)) if each.is_win}


def test_a_peer_that_is_worse_everywhere_wins_nothing() -> None:
    assert better() == set()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"server": {"rate": 61.0}}, "Server rate"),
        ({"memory_mib": 599.0}, "memory"),
        ({"start_s": 4.9}, "start"),
        ({"null": load(1.0, cpu_s_per_1000=0.4)}, "framework"),
        ({"closed": {OURS: [load(80)], THEIRS: [load(81, cpu_s_per_1000=99.0)]}}, "capacity"),
        (
            {"closed": {OURS: [load(80)], THEIRS: [load(40, cpu_s_per_1000=1.0)]}},
            "CPU of 1,000 predictions",
        ),
        (
            {"open": [{"share": 0.3, OURS: load(9, p99_ms=9.0), THEIRS: load(9, p99_ms=8.0)}]},
            "p99 at 30% of its own capacity",
        ),
    ],
)
def test_each_figure_can_be_won(changes: dict[str, Any], what: str) -> None:
    assert better(**changes) == {what}


def test_equal_is_no_win_and_an_unmeasured_framework_is_not_compared() -> None:
    assert better(memory_mib=600.0, start_s=5.0) == set()
    assert "framework" not in {each.what for each in compared(service(), peer(null=None))}


def test_a_server_that_fails_requests_has_no_short_latency() -> None:
    assert p99(ContenderFigures.from_json(load(9, p99_ms=1.0, failed_share=0.02))) == math.inf
    assert p99(ContenderFigures.from_json(load(9, p99_ms=1.0, failed_share=0.01))) == 1.0
