"""How much faster products are in bf16 here: a quotient of medians of the two sides, in turns."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.engine.bf16_gain import ROUNDS, bf16_gain, measured_gain


def ticking(exact: float, rounded: float) -> Iterator[float]:
    """Yield what a clock says; something else runs during the first rounded product."""
    now = 0.0
    for number in range(ROUNDS):
        for seconds in (exact, rounded + 50 * (number == 0)):
            yield now
            now += seconds
            yield now


@pytest.mark.parametrize(("exact", "rounded", "gain"), [(0.5, 0.25, 2.0), (0.25, 0.5, 0.5)])
def test_the_gain_is_that_of_the_medians(exact: float, rounded: float, gain: float) -> None:
    assert measured_gain(ticking(exact, rounded).__next__) == gain


def test_it_is_measured_once() -> None:
    assert bf16_gain() == bf16_gain() > 0
