"""The one seat of a service that runs its models in its own process."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.engine.engine import Row
from app.engine.seats import OneSeat
from tests.engines import ColdEngine


class Multiplying(ColdEngine):
    def __init__(self, factor: float) -> None:
        self._factor = factor

    def logits(self, rows: Sequence[Row]) -> list[float]:
        return [self._factor * sum(row) for row in rows]


@pytest.fixture
def seats() -> OneSeat:
    return OneSeat({"direct": Multiplying(1.0), "stilts": Multiplying(10.0)})


def test_one_batch_runs_at_a_time(seats: OneSeat) -> None:
    seat = seats.take()
    assert seat is not None
    assert seats.take() is None, "the seat is taken, and who asks does not wait"
    seat.leave()
    assert seats.take() is not None


def test_a_batch_runs_on_the_engine_of_its_model(seats: OneSeat) -> None:
    assert seats.logits("direct", [(1, 2), (3,)]) == [3.0, 3.0]
    assert seats.logits("stilts", [(1, 2)], spread=True) == [30.0]
    assert not seats.split, "there is nobody to share the rows out to"


def test_a_pass_in_the_process_of_the_service_cannot_be_ended(seats: OneSeat) -> None:
    assert seats.end() is False
    assert (seats.most, seats.moving, seats.seconds_without_engine) == (1, 1, 0.0)


def test_who_watches_is_never_told_since_who_leaves_takes_the_seat_again(seats: OneSeat) -> None:
    told: list[None] = []
    seats.watch(lambda: told.append(None))
    seat = seats.take()
    assert seat is not None
    seat.leave()
    assert not told
