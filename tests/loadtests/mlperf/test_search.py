"""The highest valid rate of Server."""

from __future__ import annotations

import pytest

from loadtests.mlperf.search import highest_valid


@pytest.mark.parametrize("start", [1.0, 97.0, 900.0])
def test_it_is_found_within_the_precision(start: float) -> None:
    found = highest_valid(lambda rate: rate <= 100, start, 0.05)
    assert 100 / 1.05 <= found <= 100


def test_where_none_is_valid_it_is_0() -> None:
    assert highest_valid(lambda _: False, 10, 0.05) == 0


def test_where_all_are_valid_it_is_the_highest_that_was_tried() -> None:
    assert highest_valid(lambda _: True, 1, 0.05) == 128
