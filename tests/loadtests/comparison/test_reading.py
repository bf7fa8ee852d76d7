"""What the record of a server says."""

from __future__ import annotations

import math

import pytest

from loadtests.comparison.figures import ContenderFigures
from loadtests.comparison.plan import OURS, SHARES, THEIRS
from loadtests.comparison.reading import closed, cpu, opened, over, p99, server_rate
from loadtests.mlperf.server_rate import ServerRate
from tests.loadtests.comparison.records import load, peer


def test_the_ratio_is_the_middle_of_those_of_the_rounds() -> None:
    record = peer(closed={OURS: [load(80), load(90), load(40)], THEIRS: [load(40)] * 3})
    ours, theirs = (closed(record, side) for side in (OURS, THEIRS))
    assert over(ours, theirs) == pytest.approx(2.0)
    assert over(ours[:1], closed(peer(rate=0.0001), THEIRS)[:1]) > 1000


def test_open_loads_are_by_their_share_of_the_capacity() -> None:
    found = opened(peer(), OURS)
    assert list(found) == list(SHARES)
    assert found[0.3].p99_ms == pytest.approx(190)
    assert opened(peer(), THEIRS)[0.3].p99_ms == pytest.approx(470)


def test_a_server_that_fails_requests_has_no_short_latency() -> None:
    assert p99(ContenderFigures.from_json(load(9, p99_ms=1.0, failed_share=0.02))) == math.inf
    assert p99(ContenderFigures.from_json(load(9, p99_ms=1.0, failed_share=0.01))) == 1.0


def test_the_cost_of_a_prediction_is_the_middle_one() -> None:
    loads = [ContenderFigures.from_json(load(1, cpu_s_per_1000=each)) for each in (9.0, 1.0, 3.0)]
    assert cpu(loads) == 3.0


def test_a_server_rate_is_read_with_what_was_tried() -> None:
    assert server_rate(peer()) == ServerRate(20.0, p99_ms=450.0, too_high=40.0)
