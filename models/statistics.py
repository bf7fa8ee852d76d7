"""Intervals for accuracies: what the figures of an evaluation may and may not say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054
RESAMPLES = 10_000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(correct: int, total: int) -> Estimate:
    """Return a proportion with its Wilson score interval (Wilson 1927)."""
    if total == 0:
        raise ValueError("a proportion of nothing has no interval")
    share = correct / total
    scale = 1 + Z95**2 / total
    centre = (share + Z95**2 / (2 * total)) / scale
    half = Z95 / scale * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2))
    # Rounding could put the ends a hair on the wrong side of a share of 0 or 1.
    return Estimate(share, max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share)))


def clustered_mean(scores: NDArray[np.float64], seed: int = 0) -> Estimate:
    """Return the mean of a languages-by-items table, with a bootstrap interval over items.

    The languages of XCOPA translate the same items, so their errors go together: resampling
    items, with all their translations, keeps that, where treating every cell as independent
    would make the interval too narrow.

    Args:
        scores: shape ``[languages, items]``; a score, or a difference of scores, a cell.
        seed: of the resampling.
    """
    by_item = scores.mean(axis=0)
    generator = np.random.default_rng(seed)
    picks = generator.integers(0, by_item.size, size=(RESAMPLES, by_item.size))
    means = by_item[picks].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(by_item.mean()), float(low), float(high))
