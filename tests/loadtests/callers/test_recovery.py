"""How soon all is as before, after a spike."""

from __future__ import annotations

from loadtests.callers.recovery import parts_of, recovery
from loadtests.callers.scenario_answer import AnswerStatus
from tests.loadtests.callers.moments import run_of

USERS = [4.0] * 12 + [20.0] * 6 + [4.0] * 12
BEFORE, HIGH = [10.0] * 12, [80.0] * 6


def test_the_time_until_all_is_as_before_is_said() -> None:
    found = recovery(run_of(USERS, [*BEFORE, *HIGH, 60, 50, 40, *[11.0] * 9]))
    assert str(found) == (
        "PASS: recovery: as before 3.0 s after the spike; p50 10.0 ms before the spike, "
        "at most 80.0 ms in it"
    )


def test_a_service_that_stays_slow_fails() -> None:
    found = recovery(run_of(USERS, [*BEFORE, *HIGH, *[30.0] * 12]))
    assert str(found).startswith("FAIL: recovery: not as before within 12 s after the spike; p50 ")


def test_one_slow_second_does_not_count() -> None:
    found = recovery(run_of(USERS, [*BEFORE, *HIGH, 10.0, 99.0, *[10.0] * 10]))
    assert "as before 1.0 s after" in str(found)


def test_a_service_that_never_noticed_the_spike_is_as_before_at_once() -> None:
    found = recovery(run_of(USERS, [10.0] * 30))
    assert found.status is AnswerStatus.GOOD
    assert "as before 1.0 s after" in str(found)


def test_too_few_readings_give_no_answer() -> None:
    brief = [4.0, 4.0, 20.0, 4.0, 4.0, 4.0]
    assert recovery(run_of(brief, [10.0] * 6)).status is AnswerStatus.NONE
    assert "allow more time with -t" in str(recovery(run_of(brief, [10.0] * 6)))
    assert "no spike" in str(recovery(run_of([4.0] * 30, [10.0] * 30)))
    assert "no spike" in str(recovery(run_of([], [])))


def test_a_run_has_three_parts() -> None:
    before, high, after = parts_of(run_of(USERS, [*BEFORE, *HIGH, 0.0, *[10.0] * 11]).moments)
    assert (len(before), len(high), len(after)) == (12, 6, 11)
