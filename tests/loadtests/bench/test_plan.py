"""The simulation beside the real service: what is read off a server, and what is computed."""

from __future__ import annotations

import pytest

from loadtests.bench.inputs import MODEL
from loadtests.bench.open_load import Arrival
from loadtests.bench.plan import ComparedRound, pace_of, quantiles, results_of
from tests.planning.examples import figures, usual

SPEED = usual(pace=1.2, front_seconds=0.0008)

BEFORE = {
    ("xcopa_batch_duration_seconds_sum", MODEL): 1.0,
    ("xcopa_batch_duration_seconds_count", MODEL): 5.0,
    ("xcopa_batch_tokens_sum", MODEL): 300.0,
}


def test_the_pace_is_the_mean_time_of_a_batch_over_that_on_the_curve() -> None:
    after = {
        ("xcopa_batch_duration_seconds_sum", MODEL): 1.0 + 10 * 0.033,
        ("xcopa_batch_duration_seconds_count", MODEL): 15.0,
        ("xcopa_batch_tokens_sum", MODEL): 300.0 + 10 * 100,
    }
    # A batch of 100 tokens takes 0.022 s on the curve.
    assert pace_of(usual(), BEFORE, after) == pytest.approx(1.5)


def test_the_pace_without_batches_is_that_of_the_curve() -> None:
    assert pace_of(usual(), BEFORE, BEFORE) == 1.0


def test_quantiles_are_of_answers_and_the_others_are_counted() -> None:
    answered = [Arrival(200, n / 100, "") for n in range(1, 101)]
    others = [Arrival(429, 0.0, "1"), Arrival(0, 10.0, "")]
    found, unanswered = quantiles([*answered, *others])
    assert found == {"p50": 0.51, "p99": 1.0}
    assert unanswered == 2


def test_a_load_without_an_answer_has_no_quantiles() -> None:
    with pytest.raises(RuntimeError) as caught:
        quantiles([Arrival(503, 0.1, "")])
    assert str(caught.value) == "no request was answered"


def test_each_load_has_a_ratio_for_each_quantile() -> None:
    rounds = [
        ComparedRound(
            load, 100 * load, {"p50": 0.05, "p99": p99}, figures(1, p99=0.2), 1, SPEED, 1.1
        )
        for load, p99 in ((0.3, 0.2), (0.9, 0.25), (0.3, 0.16))
    ]
    results = results_of(rounds)
    assert [each.name for each in results] == [
        f"simulated {name} over the measured one at {load} % load"
        for load in (30, 90)
        for name in ("p50", "p99")
    ]
    low = results[1]
    assert (low.least, low.greatest) == pytest.approx((1.0, 1.25))
    assert low.target == "0.85 to 1.15"
    assert low.details == {
        "requests_per_second": 30.0,
        "measured_ms": 180.0,
        "simulated_ms": 200.0,
        "simulated_half_interval_ms": 0.0,
        "unanswered": 2,
        "pace_at_capacity": 1.2,
        "pace_at_this_load": 1.1,
        "front_ms": 0.8,
        "capacity_per_second": [100.0, 100.0],
    }
