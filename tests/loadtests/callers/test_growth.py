"""How much a reading has grown."""

from __future__ import annotations

import pytest

from loadtests.callers.growth import growth_of


def test_growth_is_counted_from_the_second_tenth_on() -> None:
    readings = [1.0] * 2 + [10.0] * 2 + [11.0] * 14 + [12.0] * 2
    assert growth_of(readings) == pytest.approx(1.2)


def test_a_few_readings_say_nothing() -> None:
    assert growth_of([1.0] * 9) is None
