"""Where a staircase finds a service saturated."""

from __future__ import annotations

from loadtests.callers.profiles import Stair
from loadtests.callers.record import RunRecord
from loadtests.callers.saturation import saturation


def staircase(*rates: float) -> RunRecord:
    record = RunRecord()
    record.stairs = [Stair(4 * number, rate) for number, rate in enumerate(rates, start=1)]
    return record


def test_the_knee_is_said() -> None:
    assert str(saturation(staircase(10, 20, 20.5, 20.1))) == (
        "PASS: saturation: the knee is at 8 users: 20.0 answers/s"
    )


def test_a_staircase_that_was_not_saturated_passed_without_a_word() -> None:
    assert str(saturation(staircase(10, 20, 30))) == (
        "NO ANSWER: saturation: not reached with 12 users (30.0 answers/s); allow more with -u"
    )
    assert str(saturation(staircase())) == (
        "NO ANSWER: saturation: no step was finished; allow more time with -t"
    )
