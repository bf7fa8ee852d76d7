"""How fast a replica is: read from what the service says, and between what was measured."""

from __future__ import annotations

import math
from typing import Any

import pytest

from app.serving.work import ModelProfile, ServiceCurve
from planning.speed import BatchTime, PlanningError, ReplicaSpeed, speed_of
from tests.planning.examples import models_answer, one_at_a_time, usual

PROFILE = ModelProfile(100, ServiceCurve(0.001, 0.0001))
MEASURED = (BatchTime(20, 0.004), BatchTime(40, 0.006))


@pytest.mark.parametrize(
    ("tokens", "seconds"),
    [(20, 0.004), (30, 0.005), (40, 0.006), (50, 0.007), (10, 0.003), (1, 0.0021)],
)
def test_a_batch_takes_what_was_measured_and_in_between_a_share_of_both(
    tokens: int, seconds: float
) -> None:
    assert ReplicaSpeed(PROFILE, MEASURED).seconds(tokens) == pytest.approx(seconds)


def test_a_short_batch_never_takes_less_than_its_share_of_the_shortest_measured() -> None:
    steep = ModelProfile(100, ServiceCurve(0.0, 0.001))
    assert ReplicaSpeed(steep, (BatchTime(20, 0.004),)).seconds(5) == pytest.approx(0.001)


def test_without_measurements_a_batch_takes_what_the_profile_says() -> None:
    assert ReplicaSpeed(PROFILE).seconds(30) == pytest.approx(0.004)


def test_the_pace_stretches_every_batch() -> None:
    assert ReplicaSpeed(PROFILE, MEASURED, pace=1.5).seconds(20) == pytest.approx(0.006)


def test_at_most_all_engines_run_full_batches() -> None:
    # Nine items of 56 tokens fill a batch: 0.002 + 504 x 0.0002 s.
    assert usual().most_per_second(56) == pytest.approx(2 * 9 / 0.1028)
    assert one_at_a_time().most_per_second(40) == pytest.approx(100)


def test_a_front_that_is_slower_than_the_engines_limits_them() -> None:
    assert usual(front_seconds=0.1).most_per_second(56) == pytest.approx(10)


def test_the_answer_of_a_service_is_read() -> None:
    speed = speed_of(models_answer())
    assert speed.profile == ModelProfile(512, ServiceCurve(0.002, 0.0002))
    assert speed.measured == (BatchTime(32, 0.01), BatchTime(64, 0.014))
    assert (speed.engines, speed.pace, speed.front_seconds) == (2, 1.0, 0.0005)


def test_a_service_without_engines_of_its_own_has_one() -> None:
    assert speed_of({**models_answer(), "engines": None}).engines == 1


def test_a_model_is_chosen_by_name() -> None:
    assert speed_of(models_answer(), "direct").measured == ()


def test_a_model_that_is_not_served_is_named_with_those_that_are() -> None:
    with pytest.raises(PlanningError) as caught:
        speed_of(models_answer(), "large")
    expected = "there is no model large, only direct, stilts; --model names it"
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "TypeError: list indices must be integers or slices, not str"),
        ({"models": [{"name": "m", "default": True}]}, "KeyError: 'batching'"),
        (models_answer(batch_tokens=0), "ValueError: batch_tokens must be at least 1"),
        (
            models_answer(measured=[{"tokens": 8, "seconds": -1}]),
            "ValueError: a batch has tokens, and takes time",
        ),
    ],
    ids=["a list", "no batching", "no budget", "a negative time"],
)
def test_what_is_no_such_answer_is_refused(body: Any, reason: str) -> None:
    with pytest.raises(PlanningError) as caught:
        speed_of(body)
    assert str(caught.value) == f"this is not what GET /models answers ({reason})"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"engines": 0}, "a replica has 1 engine at least"),
        ({"pace": 0.0}, "the pace is above 0"),
        ({"pace": math.inf}, "the pace is above 0"),
        ({"front_seconds": -1.0}, "the time of a request in front is 0 at least"),
        ({"front_seconds": math.nan}, "the time of a request in front is 0 at least"),
    ],
)
def test_what_no_replica_has_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanningError) as caught:
        usual(**wrong)
    assert str(caught.value) == message
