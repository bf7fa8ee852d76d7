"""The limit of tokens a second."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.keys.bucket import BURST_SECONDS, TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_call_of_any_size_is_let_in_and_then_paid_for(clock: Clock) -> None:
    """A batch that is larger than the bucket would never run otherwise."""
    bucket = TokenBucket(100, clock)
    assert bucket.wait() == 0
    bucket.take(1_000)
    assert bucket.wait() == pytest.approx(9)
    clock.now += 8
    assert bucket.wait() == pytest.approx(1)
    clock.now += 1.001
    assert bucket.wait() == 0


def test_what_is_saved_up_is_a_second_at_most(clock: Clock) -> None:
    bucket = TokenBucket(100, clock)
    clock.now += 3_600
    bucket.take(100)
    assert bucket.wait() == 0
    bucket.take(50)
    assert bucket.wait() == pytest.approx(0.5)


def test_looking_costs_nothing(clock: Clock) -> None:
    bucket = TokenBucket(100, clock)
    bucket.take(150)
    assert [bucket.wait() for _ in range(1_000)] == [pytest.approx(0.5)] * 1_000


@given(
    rate=st.integers(1, 10_000),
    steps=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 20_000)), max_size=60),
)
def test_however_calls_come_they_get_the_rate_and_no_more(
    rate: int, steps: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, clock)
    taken, last = 0, 0
    for pause, tokens in steps:
        clock.now += pause
        if bucket.wait() == 0:
            bucket.take(tokens)
            taken, last = taken + tokens, tokens
    elapsed = clock.now - 1_000
    assert taken <= rate * (elapsed + BURST_SECONDS) + last + 1e-3


@given(rate=st.integers(1, 10_000), sizes=st.lists(st.integers(1, 20_000), min_size=1, max_size=40))
def test_who_waits_as_long_as_it_is_told_is_let_in(rate: int, sizes: list[int]) -> None:
    clock = Clock()
    bucket = TokenBucket(rate, clock)
    for tokens in sizes:
        bucket.take(tokens)
        clock.now += bucket.wait() + 1e-6
        assert bucket.wait() == 0
