"""How many users there are at a share of the time."""

from __future__ import annotations

from loadtests.callers.profiles import (
    Stair,
    is_saturated,
    knee_of,
    ramp,
    spike,
    staircase,
    steady,
)

TIMES = (0.0, 0.25, 0.5, 0.75, 0.99)


def test_each_profile_has_its_form() -> None:
    assert [steady(time) for time in TIMES] == [1, 1, 1, 1, 1]
    assert [ramp(time) for time in TIMES] == [0, 0.25, 0.5, 0.75, 0.99]
    assert [spike(time) for time in TIMES] == [0.2, 0.2, 1, 0.2, 0.2]
    assert [staircase(time) for time in TIMES] == [0.1, 0.3, 0.6, 0.8, 1.0]


def stairs(*rates: float) -> list[Stair]:
    return [Stair(users, rate) for users, rate in enumerate(rates, start=1)]


def test_a_staircase_is_saturated_when_two_steps_brought_hardly_more() -> None:
    assert not is_saturated(stairs(10, 20))
    assert not is_saturated(stairs(10, 20, 30))
    assert not is_saturated(stairs(10, 20, 20.5))
    assert not is_saturated(stairs(10, 20, 20.5, 25)), "one step alone may be noise"
    assert is_saturated(stairs(10, 20, 20.5, 20.1))


def test_the_knee_is_the_last_step_that_was_worth_its_users() -> None:
    assert knee_of(stairs(10, 20, 20.5, 20.1)) == Stair(2, 20)
    assert knee_of(stairs(10, 20)) is None
