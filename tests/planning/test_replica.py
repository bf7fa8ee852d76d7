"""One replica: when its requests end, by hand."""

from __future__ import annotations

import pytest

from app.serving.admission import Limits
from app.serving.work import ModelProfile, Outcome, ServiceCurve
from planning.clockwork import Clockwork
from planning.replica import Replica
from planning.speed import ReplicaSpeed

# A batch takes 1 s, and 0.1 s a token; no batch has more than 20 tokens.
PROFILE = ModelProfile(20, ServiceCurve(1.0, 0.1))


class Watched:
    """A replica, and when and how its requests ended."""

    def __init__(self, queue_seconds: float = 1e6, max_wait: float = 0.0, **speed: float) -> None:
        self.clock = Clockwork()
        self.ended: dict[int, tuple[float, Outcome | None]] = {}
        self.replica = Replica(
            7,
            ReplicaSpeed(PROFILE, **{"engines": 1, **speed}),  # type: ignore[arg-type]
            Limits(queue_seconds, max_wait),
            self.clock,
            self._on_end,
        )

    def _on_end(self, number: int, request: int, outcome: Outcome | None) -> None:
        assert number == 7
        assert request not in self.ended
        self.ended[request] = (round(self.clock.now, 9), outcome)

    def take(self, request: int, at: float, tokens: int = 10, timeout: float = 1e6) -> None:
        self.clock.advance(at)
        self.replica.take(request, tokens, at + timeout)

    def times(self) -> dict[int, float]:
        self.clock.finish()
        return {request: at for request, (at, _) in self.ended.items()}


def test_a_lone_request_takes_the_time_of_its_batch() -> None:
    watched = Watched()
    watched.take(1, at=5.0)
    assert watched.times() == {1: 7.0}
    assert watched.ended[1][1] is Outcome.ANSWERED
    assert watched.replica.busy_seconds == 2.0


def test_what_comes_meanwhile_shares_the_next_batch() -> None:
    watched = Watched()
    for request, at in enumerate((0.0, 0.5, 1.0, 1.5)):
        watched.take(request, at)
    # The second and third fill a batch of 20 tokens, 3 s; the fourth runs after it.
    assert watched.times() == {0: 2.0, 1: 5.0, 2: 5.0, 3: 7.0}
    assert watched.replica.batches == 3


def test_idle_engines_take_some_of_the_rows_of_a_lone_request() -> None:
    watched = Watched(engines=2)
    watched.take(0, at=0.0, tokens=20)
    # A row of 10 tokens each.
    assert watched.times() == {0: 2.0}
    assert watched.replica.busy_seconds == 4.0


def test_engines_run_batches_side_by_side_once_requests_wait() -> None:
    watched = Watched(engines=2)
    for request, at in enumerate((0.0, 0.5, 0.6)):
        watched.take(request, at, tokens=20)
    # The first is spread until 2.0; then the others have an engine each.
    assert watched.times() == {0: 2.0, 1: 5.0, 2: 5.0}


def test_requests_pass_the_front_one_after_the_other() -> None:
    watched = Watched(front_seconds=5.0)
    for request in range(3):
        watched.take(request, at=0.0, tokens=20)
    # In the queue at 5, 10 and 15 s; a batch of 20 tokens takes 3 s.
    assert watched.times() == {0: 8.0, 1: 13.0, 2: 18.0}


def test_a_batch_that_was_spread_says_nothing_of_the_pace_of_an_engine() -> None:
    paces = []
    for engines in (1, 2):
        watched = Watched(engines=engines, pace=2.0)
        watched.take(0, at=0.0, tokens=20)
        watched.clock.finish()
        paces.append(watched.replica._scheduler.backlog.pace)
    assert paces[0] > 1.0
    assert paces[1] == 1.0


def test_a_full_queue_refuses_as_the_service_does() -> None:
    watched = Watched(queue_seconds=6.0)
    for request in range(6):
        watched.take(request, at=0.0, tokens=20)
    watched.clock.finish()
    outcomes = [watched.ended[request][1] for request in range(6)]
    assert outcomes == [Outcome.ANSWERED] * 2 + [None] * 4


def test_what_waits_beyond_its_deadline_expires() -> None:
    # Three times as slow as the scheduler believes at first: it lets in what will be late.
    watched = Watched(pace=3.0)
    watched.take(0, at=0.0, tokens=20)
    watched.take(1, at=0.0, tokens=20, timeout=8.1)
    watched.take(2, at=0.0, tokens=20)
    watched.clock.finish()
    assert watched.ended == {
        0: (9.0, Outcome.ANSWERED),
        1: (9.0, Outcome.EXPIRED),
        2: (18.0, Outcome.ANSWERED),
    }


def test_items_wait_for_company_as_long_as_the_setting_says() -> None:
    watched = Watched(max_wait=0.5)
    watched.take(0, at=0.0)
    watched.take(1, at=0.2, tokens=5)
    assert watched.times() == {0: 3.0, 1: 3.0}


def test_a_replica_that_ends_hands_back_what_it_had_and_says_nothing_more() -> None:
    watched = Watched(front_seconds=0.25)
    for request, at in enumerate((0.0, 0.5, 3.0)):
        watched.take(request, at)
    # The first was answered at 2.25; the second runs, the third is in front.
    assert watched.replica.lose() == [1, 2]
    assert watched.times() == {0: 2.25}


@pytest.mark.parametrize("engines", [1, 3])
def test_a_replica_without_requests_is_idle(engines: int) -> None:
    watched = Watched(engines=engines, front_seconds=0.25)
    assert watched.replica.idle
    watched.take(0, at=0.0)
    assert not watched.replica.idle
    watched.clock.finish()
    assert watched.replica.idle
