"""The answer for a case: its sentence, its exit status, its report."""

from __future__ import annotations

import json

import pytest

from loadtests.capacity.answer import (
    NOT_SURE,
    PASSED,
    TOO_FEW,
    CapacityAnswer,
    capacity_report,
    worst_status,
)
from loadtests.capacity.live import RateTrial
from loadtests.capacity.resources import OTHERS
from loadtests.capacity.search import CapacityFound, SearchRules, TrialDecision
from loadtests.capacity.sequential import RequestWindow, ServiceGoal
from loadtests.cases import route_cases
from loadtests.report.document import finite
from loadtests.report.histogram import LatencyHistogram
from loadtests.report.timeline import Moment
from tests.loadtests.test_cases import MIX

[CASE] = route_cases(["batch"], ["stilts"], MIX, ["stilts"], count=1)
RULES = SearchRules(ServiceGoal(0.5))


def trial(rate: float, holds: bool | None, limit: str, others: float = 0.0) -> RateTrial:
    decision = TrialDecision(holds, [RequestWindow(100, 0 if holds else 50, 0)])
    moment = Moment(2, rate, rate, 0, 10, 20, 8)
    latencies = LatencyHistogram([0.01, 0.02])
    return RateTrial(rate, decision, latencies, {OTHERS: others}, limit, 0.001, [moment])


def answer(
    rate: float | None = 50.0, too_high: float | None = 55.0, wanted: float = 0, others: float = 0
) -> CapacityAnswer:
    tried_twice = [trial(55, False, "engines (99%)")] * 2
    trials = [trial(50, True, "engines (80%)", others), *tried_twice]
    return CapacityAnswer(CASE, RULES, CapacityFound(trials, rate, too_high), wanted)


def test_it_says_rate_bound_limit_and_how_sure_it_is() -> None:
    assert str(answer(wanted=40)) == (
        "PASS: batch stilts: 50 requests/s (150 items/s) with p99 below 500 ms and at most 1.0% "
        "errors, 95% sure; 55 requests/s are too many; limit: engines (99%); "
        "wanted: 40 requests/s"
    )


@pytest.mark.parametrize(
    ("found", "status", "word"),
    [
        (answer(), PASSED, "PASS"),
        (answer(wanted=50), PASSED, "PASS"),
        (answer(wanted=51), TOO_FEW, "FAIL"),
        (answer(None, None), NOT_SURE, "NOISY"),
        (answer(others=0.3), NOT_SURE, "NOISY"),
        (answer(others=0.3, wanted=60), TOO_FEW, "FAIL"),
    ],
)
def test_the_exit_status_is_that_of_the_verdict(
    found: CapacityAnswer, status: int, word: str
) -> None:
    assert (found.status, str(found).split(":")[0]) == (status, word)


def judged(*trials: tuple[float, bool | None], wanted: float = 50.0) -> CapacityAnswer:
    """Return the answer of a search that came to no rate."""
    found = CapacityFound([trial(rate, holds, "engines (99%)") for rate, holds in trials])
    return CapacityAnswer(CASE, RULES, found, wanted)


def test_a_service_that_never_held_was_called_noisy() -> None:
    assert judged((40, False), (20, False), (10, False)).status == TOO_FEW
    assert str(judged((40, False), (20, False))).startswith("FAIL: batch stilts: no rate with ")
    assert judged((40, False), (20, False), wanted=0.0).status == NOT_SURE


@pytest.mark.parametrize(
    "trials",
    [
        ((40, False), (30, True), (35, True), (45, False), (45, True)),  # held at last
        ((40, True), (45, False)),  # one may be wrong
        ((60, False), (55, False)),  # above what is wanted
        ((40, None), (20, None)),
        ((70, True), (40, False), (45, False)),
    ],
)
def test_a_rate_that_held_when_tried_again_was_surely_too_high(
    trials: tuple[tuple[float, bool | None], ...],
) -> None:
    assert judged(*trials).status == NOT_SURE


def test_noise_is_said() -> None:
    assert str(answer(others=0.3)).endswith(
        "; noise: other programs took up to 30% of the processors"
    )


def test_of_several_too_few_is_worse_than_not_sure() -> None:
    assert worst_status([answer(), answer(None), answer(wanted=51)]) == TOO_FEW
    assert worst_status([answer(), answer(None)]) == NOT_SURE
    assert worst_status([answer(), answer()]) == PASSED


def test_the_report_has_every_trial_and_the_knee() -> None:
    report = capacity_report([answer(), answer(None, None)], "Capacity")
    [case, none] = json.loads(json.dumps(finite(report.data)))["cases"]
    assert (case["requests_per_s"], case["items_per_s"]) == (50, 150)
    assert (none["requests_per_s"], none["status"]) == (None, NOT_SURE)
    assert [each["verdict"] for each in case["trials"]] == [
        "holds",
        "does not hold",
        "does not hold",
    ]
    assert case["trials"][0]["timeline"][0]["batch_rows"] == 8
    titles = [title for title, _ in report.plots]
    assert titles[0] == "batch stilts: latency against offered load"
    drawn = report.plots[0][1]
    assert "highest a second in time: 50" in drawn
    assert "knee" not in drawn, "two loads have none"
    assert titles[-1] == "Distributions at the rates that were found"


def test_the_answer_was_drawn_as_the_knee() -> None:
    """Of three loads whose latencies are the same, the highest has the most for the wait."""
    found = CapacityFound([trial(rate, rate < 55, "engines (99%)") for rate in (40, 50, 55)], 50.0)
    own = CapacityAnswer(CASE, RULES, found)
    assert own.knee == own.to_json()["knee_requests_per_s"] == 55
    drawn = capacity_report([own], "Capacity").plots[0][1]
    assert "highest a second in time: 50" in drawn
    assert "knee, the most requests for the wait: 55" in drawn


def test_a_rate_that_was_halved_and_not_tried_lost_the_report() -> None:
    report = capacity_report([answer(25.0)], "Capacity")
    assert not [title for title, _ in report.plots if title.startswith("Distributions")]
