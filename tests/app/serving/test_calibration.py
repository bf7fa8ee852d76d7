"""Calibration on engines whose service curve is known, on a clock that they turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from app.engine.engine import Row
from app.serving.calibration import SIZES, Sample, calibrate, fit, smallest
from tests.engines import ColdEngine

SAMPLE = (0, *range(5, 25), 2)


class Clockwork(ColdEngine):
    """An engine that takes the time its curve says, and the clock that shows it."""

    def __init__(self, seconds: Callable[[int], float]) -> None:
        self.now = 0.0
        self.seen: list[int] = []
        self._seconds = seconds

    def __call__(self) -> float:
        return self.now

    def logits(self, rows: Sequence[Row]) -> list[float]:
        tokens = sum(map(len, rows))
        assert all(row[0] == 0 and row[-1] == 2 for row in rows)
        self.seen.append(tokens)
        self.now += self._seconds(tokens)
        return [0.0] * len(rows)


def test_the_curve_of_the_engine_is_found() -> None:
    engine = Clockwork(lambda tokens: 0.002 + 0.0001 * tokens)
    curve = calibrate(engine, SAMPLE, clock=engine, seconds=60).profile.curve
    assert curve.fixed == pytest.approx(0.002)
    assert curve.per_token == pytest.approx(0.0001)


def test_the_budget_is_the_smallest_that_comes_near_the_best_rate() -> None:
    engine = Clockwork(lambda tokens: 0.002 + 0.0001 * tokens)
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=60)
    rates = {sample.tokens: sample.rate for sample in calibration.samples}
    budget = calibration.profile.batch_tokens
    assert rates[budget] >= 0.95 * calibration.peak_rate
    assert all(rate < 0.95 * calibration.peak_rate for size, rate in rates.items() if size < budget)


def test_an_engine_that_gains_nothing_from_large_batches_is_not_tried_with_them() -> None:
    engine = Clockwork(lambda tokens: 0.0001 * tokens)
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=60)
    assert calibration.profile.batch_tokens == SIZES[0]
    assert max(engine.seen) <= SIZES[4]


def test_a_slow_engine_is_not_measured_for_long() -> None:
    engine = Clockwork(lambda tokens: 1.0 + 0.01 * tokens)
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=2.0)
    assert len(calibration.samples) == 3


def test_a_budget_that_was_set_stands() -> None:
    engine = Clockwork(lambda tokens: 0.002 + 0.0001 * tokens)
    assert calibrate(engine, SAMPLE, 333, clock=engine).profile.batch_tokens == 333


def test_every_batch_has_the_tokens_that_it_is_measured_for() -> None:
    engine = Clockwork(lambda tokens: 0.002 + 0.0001 * tokens)
    calibrate(engine, SAMPLE, clock=engine, seconds=60)
    assert set(engine.seen) <= set(SIZES)


def test_one_run_that_the_machine_held_up_does_not_count() -> None:
    class HeldUp(Clockwork):
        def logits(self, rows: Sequence[Row]) -> list[float]:
            if len(self.seen) % 4 == 2:
                self.now += 5.0
            return super().logits(rows)

    engine = HeldUp(lambda tokens: 0.002 + 0.0001 * tokens)
    curve = calibrate(engine, SAMPLE, clock=engine, seconds=600).profile.curve
    assert curve.per_token == pytest.approx(0.0001)


def test_a_line_that_noise_has_tilted_falls_back_on_a_time_a_token() -> None:
    curve = fit([Sample(100, 0.01), Sample(200, 0.05), Sample(300, 0.09)])
    assert curve.fixed == 0
    assert curve.per_token > 0
    assert smallest([Sample(100, 0.01), Sample(200, 0.05)]) == 100
