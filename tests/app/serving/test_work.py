"""What a batch costs, and what a ticket is."""

from __future__ import annotations

import pytest

from app.serving.work import Caller, ModelProfile, Outcome, ServiceCurve
from tests.app.serving.scheduling import item


def test_a_batch_takes_a_fixed_time_and_a_time_a_token() -> None:
    assert ServiceCurve(fixed=0.5, per_token=0.25).seconds(8) == 2.5
    assert ServiceCurve(fixed=0.0, per_token=0.25).seconds(0) == 0.0


@pytest.mark.parametrize(("fixed", "per_token"), [(-0.1, 1.0), (0.0, 0.0), (0.0, -1.0)])
def test_a_curve_by_which_work_costs_nothing_is_refused(fixed: float, per_token: float) -> None:
    """With it a queue would never be full."""
    with pytest.raises(
        ValueError, match="fixed time must be at least 0 s, and the time per token above 0"
    ):
        ServiceCurve(fixed, per_token)


def test_a_budget_that_no_token_fits_in_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^batch_tokens must be at least 1$"):
        ModelProfile(0, ServiceCurve(0.0, 1.0))
    assert ModelProfile(1, ServiceCurve(0.0, 1.0)).batch_tokens == 1


@pytest.mark.parametrize(
    ("tokens", "seconds"), [(0, 0), (1, 10 + 1), (100, 10 + 100), (101, 20 + 101), (250, 30 + 250)]
)
def test_a_backlog_pays_the_fixed_time_for_each_batch_that_it_needs(
    tokens: int, seconds: float
) -> None:
    assert ModelProfile(100, ServiceCurve(10.0, 1.0)).backlog_seconds(tokens) == seconds


def test_the_work_of_tokens_has_no_part_of_the_fixed_time_of_a_batch() -> None:
    assert ModelProfile(100, ServiceCurve(10.0, 0.5)).work(8) == 4.0


def test_a_caller_without_weight_is_refused() -> None:
    """Its tokens would cost infinitely much of its share."""
    with pytest.raises(ValueError, match=r"^weight must be at least 1$"):
        Caller("key", weight=0)


def test_a_ticket_waits_until_it_is_sealed_or_ends() -> None:
    sealed, ended = item(), item()
    assert sealed.waiting
    sealed.sealed_at = 1.0
    assert not sealed.waiting
    ended.outcome = Outcome.CANCELLED
    assert not ended.waiting


def test_equal_questions_are_different_tickets() -> None:
    """Each has an outcome of its own; a queue finds the very one that was cancelled."""
    first, second = item("same"), item("same")
    assert first != second
    assert len({first, second}) == 2
