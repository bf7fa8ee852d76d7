"""Measures at warm-up how long batches of different sizes take, and chooses the token budget.

Small batches spend much of their time on the fixed cost of a batch. Large batches make their items
wait for each other. So the budget is the smallest batch within five per cent of the best rate.
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
"""Lengths of the rows in these batches, in tokens, like those of XCOPA (15 to 59, median 22)."""

SHARE_OF_PEAK = 0.95
REPEATS = 3
_FEWEST_SIZES = 3
_FLAT = 1.02
"""A size whose rate is below this many times the best so far counts as no gain ..."""
_FLAT_SIZES = 3
"""... and after this many of them in a row, larger sizes are not tried."""


@dataclass(frozen=True)
class Sample:
    """The shortest time of a batch of one size."""

    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


@dataclass(frozen=True)
class Calibration:
    """The measurements of a model, and the profile computed from them."""

    samples: tuple[Sample, ...]
    profile: ModelProfile

    @property
    def peak_rate(self) -> float:
        """The best measured rate, in tokens per second."""
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
        sample: the token ids of one row; rows of all lengths are made from them.
        batch_tokens: the budget that the user set; None chooses one.
        seconds: after this time larger sizes are not tried.
        clock: returns seconds.
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
    """Fit a fixed time and a time per token, by least squares of the relative error."""
    tokens = np.array([sample.tokens for sample in samples], dtype=np.float64)
    seconds = np.array([sample.seconds for sample in samples])
    design = np.stack([np.ones_like(tokens), tokens], axis=1) / seconds[:, None]
    fixed, per_token = np.linalg.lstsq(design, np.ones_like(seconds), rcond=None)[0]
    if fixed < 0 or per_token <= 0:
        # Noise can tilt the line. A time per token alone is then the better estimate.
        return ServiceCurve(0.0, float(np.median(seconds / tokens)))
    return ServiceCurve(float(fixed), float(per_token))


def smallest(samples: list[Sample]) -> int:
    """Return the smallest measured size that reaches the share of the best rate."""
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
    # The shortest, because other work on the machine can only make a run longer.
    return Sample(size, min(times))


def _rows(tokens: int, sample: Row) -> Iterator[Row]:
    """Yield rows of mixed lengths from the ids of the sample, with that many tokens in total."""
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
