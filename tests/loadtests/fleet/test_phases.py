"""A phase lasts until the next one, and says how many calls a replica held."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from loadtests.fleet import phases
from loadtests.fleet.fleet import ProxiedFleet
from loadtests.fleet.phases import SETTLE_S, run_phase


class StandInClock:
    """Goes on when somebody sleeps, and then only."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + 1e9

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class StandInProxy:
    """Gives each replica one more call whenever it is asked how many it gave."""

    def __init__(self) -> None:
        self.calls = 0

    def given(self, _: str) -> int:
        self.calls += 1
        return self.calls

    def held(self, _: str) -> int:
        return 4

    def wait_until_up(self, _: str) -> None:
        pass


class StandInVictim:
    """Has another engine at the third look."""

    name = "three"

    def __init__(self) -> None:
        self.looks = 0

    def stop_engine(self) -> int:
        return 7

    @property
    def server(self) -> Any:
        self.looks += 1
        return SimpleNamespace(engines=[7] if self.looks < 3 else [8])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StandInClock:
    made = StandInClock()
    monkeypatch.setattr(phases, "time", made)
    return made


def fleet(**parts: Any) -> ProxiedFleet:
    watch = SimpleNamespace(least_ready=lambda since, until: until - since)
    return cast("ProxiedFleet", SimpleNamespace(watch=watch, **parts))


def test_a_phase_holds_the_seconds_in_which_it_settles(clock: StandInClock) -> None:
    """It ended before them: a call that failed just after a kill counted nowhere."""
    phase = run_phase(fleet(), "steady", 5.0)
    assert (phase.began, phase.ended) == (100.0, 105.0 + SETTLE_S)
    assert phase.ended == clock.now
    assert phase.least_ready == 5.0


def test_a_stuck_engine_holds_what_its_replica_is_given_until_another_is_there(
    clock: StandInClock,
) -> None:
    proxy, victim = StandInProxy(), StandInVictim()
    phase = run_phase(fleet(proxy=proxy, replicas=[None, None, victim]), "stuck", 5.0)
    assert phase.held == 5
    assert victim.looks == 3
    assert clock.now == phase.ended
