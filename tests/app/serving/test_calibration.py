"""Calibration on engines whose service curve is known, on a clock that they turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from app.engine.engine import Row
from app.serving.calibration import ROW_LENGTHS, SIZES, Sample, _rows, calibrate, fit, smallest
from tests.engines import ColdEngine

SAMPLE = (0, *range(5, 25), 2)


class Clockwork(ColdEngine):
    """An engine that takes the time its curve says, and the clock that shows it."""

    def __init__(self, seconds: Callable[[int], float]) -> None:
        self.now = 1000.0
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
    assert [sample.tokens for sample in calibration.samples] == list(SIZES[:4])


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
    # 0.1, 0.25 and 0.3 ms a token; the middle one.
    assert curve.fixed == 0
    assert curve.per_token == pytest.approx(0.00025)


def test_the_budget_may_be_at_the_very_share_of_the_best_rate() -> None:
    assert smallest([Sample(94, 1.0), Sample(95, 1.0), Sample(200, 2.0)]) == 95
    assert smallest([Sample(100, 0.01), Sample(200, 0.05)]) == 100


def test_an_engine_of_less_than_a_token_a_second_is_measured_like_any_other() -> None:
    engine = Clockwork(lambda tokens: 2.0 * tokens)
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=1e9)
    assert len(calibration.samples) == 4


def test_sizes_that_gain_nothing_count_when_they_come_in_a_row() -> None:
    # From 64 tokens on, every other size has the rate of the one before it.
    steps = {size: 1 + index // 2 for index, size in enumerate(SIZES)}
    engine = Clockwork(lambda tokens: tokens / steps[tokens])
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=1e9)
    assert len(calibration.samples) == len(SIZES)


@pytest.mark.parametrize(("seconds", "sizes"), [(3.0, 4), (2.9, 3)])
def test_measuring_ends_when_more_than_the_time_has_gone(seconds: float, sizes: int) -> None:
    # Four runs a size: 3.0 s have gone after three sizes.
    engine = Clockwork(lambda _: 0.25)
    assert len(calibrate(engine, SAMPLE, clock=engine, seconds=seconds).samples) == sizes


def test_unless_told_otherwise_measuring_ends_after_two_seconds() -> None:
    engine = Clockwork(lambda _: 0.2)
    assert len(calibrate(engine, SAMPLE, clock=engine).samples) == 3


def test_no_row_is_shorter_than_the_shortest_of_the_mix() -> None:
    def lengths(tokens: int) -> list[int]:
        return [len(row) for row in _rows(tokens, SAMPLE)]

    assert lengths(39) == [22, 17]
    assert lengths(38) == [38]
    assert lengths(sum(ROW_LENGTHS)) == list(ROW_LENGTHS)
