"""Which figures of a peer are better than the service's."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.comparison.plan import OURS, THEIRS
from loadtests.comparison.wins import FIGURES, compared
from loadtests.mlperf.server_rate import ServerRate
from tests.loadtests.comparison.records import load, peer, service


def better(**changes: Any) -> set[str]:
    return {each.what for each in compared(service(), peer(**changes)) if each.is_win}


def test_a_peer_that_is_worse_everywhere_wins_nothing() -> None:
    assert better() == set()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"server": ServerRate(61.0).to_json()}, "Server rate"),
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


def test_a_rate_that_was_not_measured_is_not_compared() -> None:
    """It was 0, and so a loss."""
    unknown = ServerRate(None, "too few queries").to_json()
    for one, other in ((service(), peer(server=unknown)), (service(server=unknown), peer())):
        assert "Server rate" not in {each.what for each in compared(one, other)}


def test_every_figure_has_a_name_that_a_reason_can_be_given_for() -> None:
    assert {each.what for each in compared(service(), peer())} == set(FIGURES)
