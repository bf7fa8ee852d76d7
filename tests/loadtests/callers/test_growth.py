"""How much memory and latency have grown."""

from __future__ import annotations

import pytest

from loadtests.callers.growth import growth_of, latency_growth, memory_growth
from loadtests.callers.scenario_answer import AnswerStatus
from tests.loadtests.callers.moments import run_of

COUNT = 40
FLAT = [10.0] * COUNT


def test_growth_is_counted_from_the_second_tenth_on() -> None:
    readings = [1.0] * 2 + [10.0] * 2 + [11.0] * 14 + [12.0] * 2
    assert growth_of(readings) == pytest.approx(1.2)


def test_a_few_readings_say_nothing() -> None:
    assert growth_of([1.0] * 9) is None


def rising(times: float) -> list[float]:
    return [10.0 * (1 + (times - 1) * at / (COUNT - 1)) for at in range(COUNT)]


@pytest.mark.parametrize(
    ("memory", "status"),
    [(1.0, AnswerStatus.GOOD), (1.01, AnswerStatus.GOOD), (1.2, AnswerStatus.BAD)],
)
def test_memory_may_grow_by_two_hundredths(memory: float, status: AnswerStatus) -> None:
    found = memory_growth(run_of([8] * COUNT, FLAT, memory_mib=rising(memory)))
    assert found.status is status
    assert "times that after a tenth of the run (bound 1.02)" in str(found)


def test_an_hour_without_metrics_passed() -> None:
    """It said that the run was too short, and that this is good."""
    found = memory_growth(run_of([8] * COUNT, FLAT))
    assert str(found) == "NO ANSWER: memory: the service's /metrics could not be read"


def test_a_run_that_is_too_short_has_no_answer() -> None:
    brief = run_of([8] * 5, [10.0] * 5, memory_mib=[1.0] * 5)
    assert memory_growth(brief).status is latency_growth(brief).status is AnswerStatus.NONE


@pytest.mark.parametrize(
    ("p50", "p99", "status"),
    [
        (1.0, 1.0, AnswerStatus.GOOD),
        (1.1, 1.3, AnswerStatus.GOOD),
        (1.5, 1.0, AnswerStatus.BAD),
        (1.0, 2.0, AnswerStatus.BAD),
    ],
)
def test_latency_that_grew_was_asked_about_and_never_checked(
    p50: float, p99: float, status: AnswerStatus
) -> None:
    found = latency_growth(run_of([8] * COUNT, rising(p50), rising(p99)))
    assert found.status is status
    assert str(found).endswith("(bound 1.5)")


def test_moments_without_an_answer_have_no_latency() -> None:
    readings = [*FLAT, 0.0]
    assert latency_growth(run_of([8] * (COUNT + 1), readings)).status is AnswerStatus.GOOD
    assert latency_growth(run_of([8] * COUNT, [0.0] * COUNT)).status is AnswerStatus.NONE
