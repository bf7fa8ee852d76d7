"""Calibration on engines whose service curve is known, on a clock that they turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from app.engine.engine import Row
from app.serving.calibration import (
    ALWAYS_TRIED,
    ROW_LENGTHS,
    SIZES,
    BudgetRule,
    Sample,
    _rows,
    calibrate,
    fit,
    recall,
)
from tests.engines import ColdEngine

SAMPLE = (0, *range(5, 25), 2)

TRIED = [size for size in SIZES if size <= ALWAYS_TRIED]
"""Of an engine that gains nothing from larger batches."""


class Clockwork(ColdEngine):
    """An engine that takes the time its curve says, and the clock that shows it."""

    def __init__(self, seconds: Callable[[int], float]) -> None:
        self.now = 1000.0
        self.seen: list[int] = []
        self.held_up = range(0)
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


@pytest.mark.parametrize(("gain", "budget"), [(0.0, 16384), (0.02, 768), (0.05, 256), (0.5, 32)])
def test_a_batch_of_twice_the_time_must_gain_what_the_rule_says(gain: float, budget: int) -> None:
    engine = Clockwork(lambda tokens: 0.002 + 0.0001 * tokens)
    calibration = calibrate(engine, SAMPLE, BudgetRule(gain=gain), clock=engine, seconds=60)
    assert calibration.profile.batch_tokens == budget


def test_448_tokens_were_15_percent_faster_than_256_and_256_were_chosen() -> None:
    # Nothing larger had been measured on a slow processor, which runs larger batches in parts.
    def seconds(tokens: int) -> float:
        parts = -(-tokens // 512)
        return parts * 0.0566 + 0.0005 * tokens

    assert 448 / seconds(448) == pytest.approx(1.15 * 256 / seconds(256), rel=0.01)
    engine = Clockwork(seconds)
    assert calibrate(engine, SAMPLE, clock=engine).profile.batch_tokens == 512


def test_the_rule_compares_each_doubling_of_the_time_with_its_gain() -> None:
    rule = BudgetRule(gain=0.05)
    short = Sample(1000, 1.0)
    assert rule.score(Sample(2099, 2.0)) < rule.score(short) < rule.score(Sample(2101, 2.0))
    assert rule.score(Sample(4 * 1102, 4.0)) < rule.score(short) < rule.score(Sample(4 * 1103, 4.0))


def test_an_engine_that_gains_nothing_from_large_batches_is_not_tried_with_them() -> None:
    engine = Clockwork(lambda tokens: 0.0001 * tokens)
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=60)
    assert calibration.profile.batch_tokens == SIZES[0]
    assert [sample.tokens for sample in calibration.samples] == list(TRIED)


def test_a_size_that_seemed_fast_once_ends_no_search() -> None:
    """Batches of 64 tokens were; 192 came last of the three that were no better, and was chosen."""

    class FastOnce(Clockwork):
        def logits(self, rows: Sequence[Row]) -> list[float]:
            if len(self.seen) == 3:  # the second run of the second size
                self.now -= 0.004
            return super().logits(rows)

    engine = FastOnce(lambda tokens: 0.002 + 0.0001 * tokens)
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=60)
    assert calibration.samples[1].seconds == pytest.approx(0.0044)
    assert calibration.samples[-1].tokens >= ALWAYS_TRIED


def test_a_slow_engine_is_not_measured_for_long() -> None:
    engine = Clockwork(lambda tokens: 1.0 + 0.01 * tokens)
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=2.0)
    assert len(calibration.samples) == 3


def test_a_budget_that_was_set_stands() -> None:
    engine = Clockwork(lambda tokens: 0.002 + 0.0001 * tokens)
    assert calibrate(engine, SAMPLE, BudgetRule(333), clock=engine).profile.batch_tokens == 333


def test_every_batch_has_the_tokens_that_it_is_measured_for() -> None:
    engine = Clockwork(lambda tokens: 0.002 + 0.0001 * tokens)
    calibrate(engine, SAMPLE, clock=engine, seconds=60)
    assert set(engine.seen) <= set(SIZES)


def test_each_size_runs_once_unmeasured_and_three_times_measured() -> None:
    engine = Clockwork(lambda tokens: 0.0001 * tokens)
    calibrate(engine, SAMPLE, clock=engine)
    assert {size: engine.seen.count(size) for size in TRIED} == dict.fromkeys(TRIED, 4)
    assert engine.seen[2 * len(TRIED) :] == [*TRIED] * 2, "the sizes take turns"


def test_a_first_round_that_was_the_fastest_counts() -> None:
    def seconds(tokens: int) -> float:
        return (0.0001 if len(engine.seen) <= 2 * len(TRIED) else 0.0002) * tokens

    engine = Clockwork(seconds)
    samples = calibrate(engine, SAMPLE, clock=engine).samples
    assert [sample.seconds for sample in samples] == pytest.approx(
        [0.0001 * size for size in TRIED]
    )


def test_a_round_that_the_machine_held_up_does_not_count() -> None:
    class HeldUp(Clockwork):
        def logits(self, rows: Sequence[Row]) -> list[float]:
            # A moment in which one run of each size falls, as sizes take turns.
            if self.held_up.start <= len(self.seen) < self.held_up.stop:
                self.now += 5.0
            return super().logits(rows)

    engine = HeldUp(lambda tokens: 0.0001 * tokens)
    sizes = len(TRIED)
    engine.held_up = range(2 * sizes, 3 * sizes)
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=600)
    assert len(calibration.samples) == sizes
    assert calibration.profile.curve.per_token == pytest.approx(0.0001)


def test_a_line_that_noise_has_tilted_falls_back_on_a_time_a_token() -> None:
    curve = fit([Sample(100, 0.01), Sample(200, 0.05), Sample(300, 0.09)])
    # 0.1, 0.25 and 0.3 ms a token; the middle one.
    assert curve.fixed == 0
    assert curve.per_token == pytest.approx(0.00025)


def test_an_engine_of_less_than_a_token_a_second_is_measured_like_any_other() -> None:
    engine = Clockwork(lambda tokens: 2.0 * tokens)
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=1e9)
    assert len(calibration.samples) == len(TRIED)


def test_larger_sizes_are_tried_while_now_and_then_one_is_better() -> None:
    # Every third size is as fast as it must be; the two before it are not.
    steps = {size: index - index % 3 for index, size in enumerate(SIZES)}
    engine = Clockwork(lambda tokens: tokens / 2.0 ** steps[tokens])
    calibration = calibrate(engine, SAMPLE, clock=engine, seconds=1e9)
    assert len(calibration.samples) == len(SIZES)


@pytest.mark.parametrize(("seconds", "sizes"), [(1.5, 4), (1.4, 3)])
def test_measuring_ends_when_more_than_the_time_has_gone(seconds: float, sizes: int) -> None:
    # Two runs a size in the first round: 1.5 s have gone after three sizes.
    engine = Clockwork(lambda _: 0.25)
    assert len(calibrate(engine, SAMPLE, clock=engine, seconds=seconds).samples) == sizes


def test_unless_told_otherwise_larger_sizes_are_not_tried_after_three_seconds() -> None:
    engine = Clockwork(lambda _: 0.5)
    assert len(calibrate(engine, SAMPLE, clock=engine).samples) == 4


def test_no_row_is_shorter_than_the_shortest_of_the_mix() -> None:
    def lengths(tokens: int) -> list[int]:
        return [len(row) for row in _rows(tokens, SAMPLE)]

    assert lengths(39) == [22, 17]
    assert lengths(38) == [38]
    assert lengths(sum(ROW_LENGTHS)) == list(ROW_LENGTHS)


def curve(factor: float = 1.0) -> Clockwork:
    """An engine that takes so many times the usual seconds."""
    return Clockwork(lambda tokens: factor * (0.002 + 0.0001 * tokens))


def test_what_was_measured_before_is_taken_after_two_batches() -> None:
    before = calibrate(measured := curve(), SAMPLE, clock=measured, seconds=60)
    again = curve()
    assert recall(again, SAMPLE, before.samples, clock=again) == before
    assert again.seen == [before.profile.batch_tokens] * 2


def test_a_replica_that_starts_on_a_busy_machine_keeps_what_a_quiet_one_measured() -> None:
    """It measured half the speed, with sizes that had not been tried for want of time."""
    before = calibrate(measured := curve(), SAMPLE, clock=measured, seconds=60)
    busy = curve(3.0)
    assert recall(busy, SAMPLE, before.samples, clock=busy) == before


def test_what_was_measured_on_a_busy_machine_is_measured_again_on_a_quiet_one() -> None:
    before = calibrate(busy := curve(1.2), SAMPLE, clock=busy, seconds=60)
    assert recall(quiet := curve(), SAMPLE, before.samples, clock=quiet) is None


def test_one_batch_that_was_held_up_hides_no_faster_engine() -> None:
    class HeldUpOnce(Clockwork):
        def logits(self, rows: Sequence[Row]) -> list[float]:
            self.now += 0 if self.seen else 5.0
            return super().logits(rows)

    before = calibrate(busy := curve(1.2), SAMPLE, clock=busy, seconds=60)
    quiet = HeldUpOnce(lambda tokens: 0.002 + 0.0001 * tokens)
    assert recall(quiet, SAMPLE, before.samples, clock=quiet) is None


def test_another_rule_chooses_another_budget_from_the_same_measurements() -> None:
    before = calibrate(measured := curve(), SAMPLE, clock=measured, seconds=60)
    found = recall(again := curve(), SAMPLE, before.samples, BudgetRule(gain=0.5), clock=again)
    assert found is not None
    assert found.profile.batch_tokens == SIZES[0]
