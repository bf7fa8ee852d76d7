"""Measures, at warm-up, how long a model takes for how many tokens, and what follows from it.

Small batches waste the engine's fixed time a batch; large ones only make their items wait for
each other. So the budget is the smallest batch that comes within five per cent of the best rate.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from app.engine.engine import Engine, Row
from app.serving.backlog import Clock
from app.serving.work import ModelProfile, ServiceCurve

SIZES = (32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192, 16384)
"""Tokens of the batches that are measured, until the rate no longer grows."""

ROW_LENGTHS = (22, 17, 29, 20, 37, 24, 19, 45)
"""Tokens of the rows that fill them, mixed as XCOPA's rows are (15 to 59, median 22)."""

SHARE_OF_PEAK = 0.95
REPEATS = 3
_FEWEST_SIZES = 3
_FLAT = 1.02
"""A size that gains less than this over the best so far gains nothing ..."""
_FLAT_SIZES = 3
"""... and after as many in a row no larger size is tried."""


@dataclass(frozen=True)
class Sample:
    """The least time that a batch of a size took."""

    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


@dataclass(frozen=True)
class Calibration:
    """What was measured, and the profile that it makes."""

    samples: tuple[Sample, ...]
    profile: ModelProfile

    @property
    def peak_rate(self) -> float:
        """The best rate measured, in tokens a second."""
        return max(sample.rate for sample in self.samples)


def calibrate(
    engine: Engine,
    sample: Row,
    batch_tokens: int | None = None,
    seconds: float = 2.0,
    clock: Clock = time.perf_counter,
) -> Calibration:
    """Measure an engine.

    Args:
        engine: warm or not; the first run of each size is not counted.
        sample: the token ids of a row, of which rows of all lengths are made.
        batch_tokens: a budget that was set; None has one chosen.
        seconds: when this much time has gone, no larger size is tried.
        clock: seconds.
    """
    samples: list[Sample] = []
    best, flat, started = 0.0, 0, clock()
    for size in SIZES:
        samples.append(_measure(engine, size, sample, clock))
        flat = flat + 1 if samples[-1].rate < _FLAT * best else 0
        best = max(best, samples[-1].rate)
        enough = len(samples) >= _FEWEST_SIZES and clock() - started > seconds
        if flat == _FLAT_SIZES or enough:
            break
    curve = fit(samples)
    return Calibration(tuple(samples), ModelProfile(batch_tokens or smallest(samples), curve))


def fit(samples: list[Sample]) -> ServiceCurve:
    """Fit a fixed time and a time a token, by least squares of the relative error."""
    tokens = np.array([sample.tokens for sample in samples], dtype=np.float64)
    seconds = np.array([sample.seconds for sample in samples])
    design = np.stack([np.ones_like(tokens), tokens], axis=1) / seconds[:, None]
    fixed, per_token = np.linalg.lstsq(design, np.ones_like(seconds), rcond=None)[0]
    if fixed < 0 or per_token <= 0:
        # Noise can tilt the line; a time a token alone is then the better account.
        return ServiceCurve(0.0, float(np.median(seconds / tokens)))
    return ServiceCurve(float(fixed), float(per_token))


def smallest(samples: list[Sample]) -> int:
    """Return the least size measured that reaches the share of the best rate."""
    enough = SHARE_OF_PEAK * max(sample.rate for sample in samples)
    return next(sample.tokens for sample in samples if sample.rate >= enough)


def _measure(engine: Engine, size: int, sample: Row, clock: Clock) -> Sample:
    rows = list(_rows(size, sample))
    engine.logits(rows)
    times = []
    for _ in range(REPEATS):
        began = clock()
        engine.logits(rows)
        times.append(clock() - began)
    # The least: whatever else the machine does can only add to it.
    return Sample(size, min(times))


def _rows(tokens: int, sample: Row) -> Iterator[Row]:
    """Rows of mixed lengths, of the ids of the sample, with that many tokens in all."""
    first, *inner, last = sample
    for turn in itertools.count():
        length = ROW_LENGTHS[turn % len(ROW_LENGTHS)]
        if tokens - length < min(ROW_LENGTHS):
            length = tokens
        ids = itertools.islice(itertools.cycle(inner), turn, turn + length - 2)
        yield (first, *ids, last)
        tokens -= length
        if not tokens:
            return
