"""Two computations are timed by turns, after each has run once."""

from __future__ import annotations

from itertools import count

from app.engine.alternation import alternated_times


def test_they_take_turns_after_one_run_of_each() -> None:
    order: list[str] = []
    times = alternated_times(lambda: order.append("a"), lambda: order.append("b"), 2)
    assert order == ["a", "b", "a", "b", "a", "b"]
    assert len(times) == 2


def test_each_time_is_that_of_one_computation() -> None:
    ticks = count()
    now = [0.0]

    def clock() -> float:
        next(ticks)
        return now[0]

    def take(seconds: float) -> None:
        now[0] += seconds

    times = alternated_times(lambda: take(2.0), lambda: take(3.0), 3, clock)
    assert times == [(2.0, 3.0)] * 3
    assert next(ticks) == 12, "the first run of each is not timed"
