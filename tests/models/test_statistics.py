"""Intervals that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from models.statistics import clustered_mean, wilson


def test_wilson_matches_a_published_example() -> None:
    # Newcombe 1998, table I: 81 of 263.
    estimate = wilson(81, 263)
    assert (estimate.low, estimate.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize("correct", [0, 10])
def test_wilson_stays_between_nothing_and_everything(correct: int) -> None:
    estimate = wilson(correct, 10)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.high - estimate.low > 0.1


def test_a_proportion_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        wilson(0, 0)


def test_translations_of_the_same_items_do_not_narrow_the_interval() -> None:
    one = np.random.default_rng(0).integers(0, 2, size=(1, 500)).astype(float)
    eleven = np.repeat(one, 11, axis=0)
    alone, together = clustered_mean(one), clustered_mean(eleven)
    assert together == alone
    assert together.high - together.low == pytest.approx(2 * 1.96 * 0.5 / 500**0.5, rel=0.1)
