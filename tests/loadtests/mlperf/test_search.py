"""The highest valid rate of Server, or why there is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loadtests.mlperf.search import JudgedRate, RateFound, RateJudgement, RateSearch


def searched(
    judgement: Callable[[float], RateJudgement], start: float, least: float = 0.0
) -> tuple[RateFound, list[float]]:
    """Return what was found, and the rates that were tried."""
    tried: list[float] = []

    def judge(rate: float) -> JudgedRate:
        tried.append(rate)
        return JudgedRate(rate, judgement(rate), "so LoadGen says")

    return RateSearch(judge, 0.05, least).run(start), tried


def up_to(limit: float) -> Callable[[float], RateJudgement]:
    return lambda rate: RateJudgement.VALID if rate <= limit else RateJudgement.TOO_SLOW


@pytest.mark.parametrize("start", [1.0, 97.0, 900.0])
def test_it_is_found_within_the_precision(start: float) -> None:
    found, tried = searched(up_to(100), start)
    assert found.rate is not None
    assert found.too_high is not None
    assert 100 / 1.05 <= found.rate <= 100 < found.too_high
    assert {found.rate, found.too_high} <= set(tried)


def test_where_all_are_too_slow_there_is_none_and_the_lowest_is_said() -> None:
    found, tried = searched(up_to(0), 10)
    assert (found.rate, found.too_high) == (None, min(tried))
    assert found.why_not == "even 0.07812 queries/s are too many: so LoadGen says"


def test_where_all_are_valid_none_is_the_highest() -> None:
    found, _ = searched(up_to(1e9), 1)
    assert (found.rate, found.too_high) == (None, None)
    assert found.why_not == "every rate up to 128 queries/s is valid"


def test_no_rate_is_tried_at_which_a_run_would_be_too_short() -> None:
    found, tried = searched(up_to(6), 3, least=4)
    assert found.rate is not None
    assert 6 / 1.05 <= found.rate <= 6
    assert min(tried) == 4
    found, tried = searched(up_to(3), 10, least=4)
    assert tried == [10, 5, 4]
    assert (found.rate, found.too_high) == (None, 4)
    assert found.why_not.startswith("even 4 queries/s are too many, and lower rates have too few ")


def test_too_few_queries_passed_for_a_rate_that_is_too_high() -> None:
    found, tried = searched(lambda _: RateJudgement.TOO_FEW, 10, least=2)
    assert tried == [10, 5, 2.5, 2]
    assert (found.rate, found.too_high) == (None, None)
    assert found.why_not == "at 2 queries/s, too few queries: so LoadGen says"
