"""The arithmetic of a load."""

from __future__ import annotations

import pytest

from loadtests.capacity.live import SentRequest
from loadtests.comparison.figures import ContenderFigures, LoadSpan, capacity, load_figures

SPAN = LoadSpan(began=100.0, ended=110.0, cpu_s=4.0, lag_s=0.002)


def sent(due: float, took: float | None, is_sound: bool = True) -> SentRequest:
    return SentRequest(due, due, None if took is None else due + took, is_sound)


def test_rates_count_answers_of_the_load_and_goodput_those_in_good_time() -> None:
    requests = [sent(101, 0.1), sent(102, 0.5), sent(103, 1.5), sent(109, 0.9), sent(109.5, 0.8)]
    found = load_figures(requests, SPAN, good_s=1.0)
    assert found.offered_per_s == pytest.approx(0.5)
    assert found.answered_per_s == pytest.approx(0.4)  # one ended after the load
    assert found.goodput_per_s == pytest.approx(0.4)  # another one took too long
    assert found.failed_share == 0
    assert found.cpu_s_per_1000 == pytest.approx(800)
    assert found.lag_ms == pytest.approx(2)


def test_quantiles_are_of_sound_answers_from_when_they_were_due() -> None:
    requests = [sent(101, each / 1000) for each in range(1, 101)] + [sent(101, 9.0, False)]
    found = load_figures(requests, SPAN, good_s=1.0)
    assert found.p50_ms == pytest.approx(50, rel=0.01)
    assert found.p95_ms == pytest.approx(95, rel=0.01)
    assert found.p99_ms == pytest.approx(99, rel=0.01)


def test_what_is_wrong_or_missing_has_failed_and_is_no_answer() -> None:
    requests = [sent(101, 0.1), sent(101, 0.1, False), sent(101, None, False), sent(101, None)]
    found = load_figures(requests, SPAN, good_s=1.0)
    assert found.failed_share == pytest.approx(0.75)
    assert found.goodput_per_s == pytest.approx(0.1)
    assert found.cpu_s_per_1000 == pytest.approx(4000)


@pytest.mark.parametrize("requests", [[], [sent(101, None, False)]])
def test_without_an_answer_there_is_no_cost_of_one(requests: list[SentRequest]) -> None:
    found = load_figures(requests, SPAN, good_s=1.0)
    assert (found.answered_per_s, found.cpu_s_per_1000, found.p99_ms) == (0, 0, 0)


def test_capacity_is_the_middle_of_the_loads_and_figures_come_back_from_json() -> None:
    loads = [load_figures([sent(101, 0.1)] * count, SPAN, good_s=1.0) for count in (100, 900, 110)]
    assert capacity(loads) == pytest.approx(11)
    assert ContenderFigures.from_json(loads[0].to_json()) == loads[0]
