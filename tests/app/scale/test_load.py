"""What a replica says of its load."""

from __future__ import annotations

import pytest

from app.scale.load import LoadMeter
from app.scale.policy import BUSY, QUEUE_SECONDS
from app.serving.work import Load
from tests.app.serving.scheduling import FakeClock


def test_busy_is_the_share_of_the_time_since_the_last_reading() -> None:
    clock = FakeClock()
    meter = LoadMeter(clock)
    clock.now += 10
    assert meter.read(Load(0.5, busy_seconds=4.0, engines=1)) == {QUEUE_SECONDS: 0.5, BUSY: 0.4}
    clock.now += 5
    assert meter.read(Load(0.0, busy_seconds=9.0, engines=1))[BUSY] == pytest.approx(1.0)
    clock.now += 5
    assert meter.read(Load(0.0, busy_seconds=9.0, engines=1))[BUSY] == 0.0


def test_engines_share_the_time() -> None:
    clock = FakeClock()
    meter = LoadMeter(clock)
    clock.now += 10
    assert meter.read(Load(0.0, busy_seconds=10.0, engines=4))[BUSY] == pytest.approx(0.25)


def test_two_readings_at_one_time_say_the_same() -> None:
    clock = FakeClock()
    meter = LoadMeter(clock)
    clock.now += 2
    first = meter.read(Load(0.0, busy_seconds=1.0, engines=1))
    assert meter.read(Load(0.0, busy_seconds=1.0, engines=1)) == first


def test_more_than_all_of_the_time_is_all_of_it() -> None:
    # An engine was lost: what fewer engines are there now did before counts on.
    clock = FakeClock()
    meter = LoadMeter(clock)
    clock.now += 1
    assert meter.read(Load(0.0, busy_seconds=2.0, engines=1))[BUSY] == 1.0
