"""Measures at warm-up how long batches of different sizes take, and chooses the token budget.

Small batches spend much of their time on the fixed cost of a batch. Large batches make their items
wait for each other. The exchange rate between the two is a setting: what a batch that takes twice
as long must gain in speed (``docs/decisions/0036-token-budget.md``).
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.clock import Clock
from app.engine.engine import Engine, Row
from app.serving.work import ModelProfile, ServiceCurve

SIZES = (32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192, 16384)
"""Tokens of the batches that are measured, until larger ones are no longer better."""

ROW_LENGTHS = (22, 17, 29, 20, 37, 24, 19, 45)
"""Lengths of the rows in these batches, in tokens, like those of XCOPA (15 to 59, median 22)."""

ROUNDS = 3
MOST_SECONDS = 3.0
"""After this time in the first round larger sizes are not tried."""
FASTER = 0.9
"""A batch that takes less than this share of the time of before has all sizes measured anew."""
ALWAYS_TRIED = 512
"""Sizes up to this are tried whatever the smaller ones took: one run that seems fast by chance must
not end the search."""
_FEWEST_SIZES = 3
_WORSE_SIZES = 3
"""After so many sizes in a row that are no better than the best, ``ALWAYS_TRIED`` is enough."""


@dataclass(frozen=True)
class BudgetRule:
    """How the token budget of a batch is found."""

    tokens: int | None = None
    """The budget itself; None chooses one from the measurements."""
    gain: float = 0.02
    """How much faster a token must be in a batch that takes twice as long."""

    def score(self, sample: Sample) -> float:
        """Return what the best size has most of: its rate, less what its duration costs."""
        return math.log(sample.rate) - math.log1p(self.gain) * math.log2(sample.seconds)

    def choose(self, samples: Sequence[Sample]) -> int:
        """Return the budget."""
        return self.tokens or max(samples, key=self.score).tokens


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
    rule: BudgetRule | None = None,
    seconds: float = MOST_SECONDS,
    clock: Clock = time.perf_counter,
) -> Calibration:
    """Measure an engine.

    The sizes take turns, so that what else the machine does for a moment falls on one run of each.

    Args:
        engine: warm or not; the first run of each size is not counted.
        sample: the token ids of one row; rows of all lengths are made from them.
        rule: for the token budget.
        seconds: see ``MOST_SECONDS``.
        clock: returns seconds.
    """
    rule = rule or BudgetRule()
    rounds = [_first_round(engine, sample, rule, seconds, clock)]
    batches = [list(_rows(each.tokens, sample)) for each in rounds[0]]
    rounds += [[_run(engine, rows, clock) for rows in batches] for _ in range(ROUNDS - 1)]
    # The shortest, because other work on the machine can only make a run longer.
    samples = tuple(min(runs, key=lambda run: run.seconds) for runs in zip(*rounds, strict=True))
    return _calibration(samples, rule)


def recall(
    engine: Engine,
    sample: Row,
    known: Sequence[Sample],
    rule: BudgetRule | None = None,
    clock: Clock = time.perf_counter,
) -> Calibration | None:
    """Return the calibration of earlier measurements, or None if the engine is faster now.

    Then the earlier ones were held up by other work. An engine that is slower now may be held up
    itself: the pace of the batches that it runs will tell.

    Args:
        engine: warm.
        sample: the token ids of one row.
        known: what was measured before; one size at least.
        rule: for the token budget.
        clock: returns seconds.
    """
    rule = rule or BudgetRule()
    usual = max(known, key=rule.score)
    rows = list(_rows(usual.tokens, sample))
    now = min(_run(engine, rows, clock).seconds for _ in range(2))
    return None if now < FASTER * usual.seconds else _calibration(known, rule)


def _calibration(samples: Sequence[Sample], rule: BudgetRule) -> Calibration:
    return Calibration(tuple(samples), ModelProfile(rule.choose(samples), fit(samples)))


def _first_round(
    engine: Engine, sample: Row, rule: BudgetRule, seconds: float, clock: Clock
) -> list[Sample]:
    """Run batches from the smallest size up to those that are no better."""
    samples: list[Sample] = []
    best, worse, started = -math.inf, 0, clock()
    for size in SIZES:
        rows = list(_rows(size, sample))
        engine.logits(rows)
        samples.append(_run(engine, rows, clock))
        score = rule.score(samples[-1])
        best, worse = max(best, score), 0 if score > best else worse + 1
        late = len(samples) >= _FEWEST_SIZES and clock() - started > seconds
        if late or (worse >= _WORSE_SIZES and size >= ALWAYS_TRIED):
            break
    return samples


def _run(engine: Engine, rows: Sequence[Row], clock: Clock) -> Sample:
    began = clock()
    engine.logits(rows)
    return Sample(sum(map(len, rows)), clock() - began)


def fit(samples: Sequence[Sample]) -> ServiceCurve:
    """Fit a fixed time and a time per token, by least squares of the relative error."""
    tokens = np.array([sample.tokens for sample in samples], dtype=np.float64)
    seconds = np.array([sample.seconds for sample in samples])
    design = np.stack([np.ones_like(tokens), tokens], axis=1) / seconds[:, None]
    fixed, per_token = np.linalg.lstsq(design, np.ones_like(seconds), rcond=None)[0]
    if fixed < 0 or per_token <= 0:
        # Noise can tilt the line. A time per token alone is then the better estimate.
        return ServiceCurve(0.0, float(np.median(seconds / tokens)))
    return ServiceCurve(float(fixed), float(per_token))


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
