"""Latencies, unrounded."""

from __future__ import annotations

import pytest

from loadtests.report.histogram import LatencyHistogram

SECONDS = [number / 1000 for number in range(1, 1001)]


def test_quantiles_are_true_to_a_thousandth() -> None:
    histogram = LatencyHistogram(SECONDS)
    assert len(histogram) == 1000
    for share in (0.5, 0.9, 0.99, 0.999, 1.0):
        assert histogram.quantile(share) == pytest.approx(share, rel=1e-3)
    assert histogram.mean == pytest.approx(0.5005, rel=1e-3)


def test_times_that_locust_would_round_are_told_apart() -> None:
    assert LatencyHistogram([0.1234]).quantile(1) == pytest.approx(0.1234, rel=1e-3)


def test_what_is_too_short_or_too_long_is_counted_all_the_same() -> None:
    histogram = LatencyHistogram([0.0, 1e9])
    assert len(histogram) == 2
    assert histogram.quantile(1) == pytest.approx(3600, rel=1e-2)


def test_two_are_added_as_if_they_were_one() -> None:
    one, other = LatencyHistogram(SECONDS[:500]), LatencyHistogram(SECONDS[500:])
    one.add(LatencyHistogram.of(other.encoded()))
    assert one.to_json() == LatencyHistogram(SECONDS).to_json()


def test_none_has_no_quantiles() -> None:
    assert (len(LatencyHistogram()), LatencyHistogram().quantile(0.99)) == (0, 0)
    assert LatencyHistogram().mean == 0


def test_the_curve_climbs_to_the_longest() -> None:
    curve = LatencyHistogram(SECONDS).curve()
    assert curve == sorted(curve)
    assert curve[-1][0] == 1
    assert curve[-1][1] == pytest.approx(1, rel=1e-3)
