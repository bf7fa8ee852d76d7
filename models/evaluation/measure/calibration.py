"""Whether the probabilities of a variant agree with its accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.evaluation.ask.predictions import SetPredictions
from models.statistics import Bootstrap, Estimate

BINS = 15
LEAST_CONFIDENCE = 0.5
"""Of two choices the chosen one has at least half of the probability."""


@dataclass(frozen=True)
class Bin:
    """Predictions of like confidence, above ``low`` and up to ``high``."""

    low: float
    high: float
    items: int
    confidence: float | None
    """Their mean confidence; None without any."""
    accuracy: float | None


@dataclass(frozen=True)
class ProbabilityCalibration:
    """How the probabilities of one variant, on some items, compare with what came out."""

    items: int
    confidence: float
    """Mean probability of the chosen answer."""
    accuracy: float
    ece: float
    """Expected calibration error, see ``bins_of``; it has a bias upwards, more so with few
    items, so it carries no interval."""
    brier: Estimate
    """Mean squared error of the probability of the second choice: 0 is best, 0.25 is what
    saying one half to everything gets (Brier 1950, Mon. Weather Rev. 78:1-3, for two outcomes
    and with one of them counted). The interval resamples items."""
    bins: tuple[Bin, ...]
    temperature: float = 1.0
    """That the variant divides its logits by."""
    ece_unscaled: float | None = None
    """The error with a temperature of 1; None in the report of a version that had no other."""


def calibrate(languages: Sequence[SetPredictions]) -> ProbabilityCalibration:
    """Compare probabilities with outcomes, over all answers to the same items.

    Args:
        languages: the answers in each language, items in the same order.
    """
    second = np.stack([each.second for each in languages])
    labels = np.stack([each.labels for each in languages])
    right = np.stack([each.right for each in languages])
    confidence = np.maximum(second, 1 - second)
    bins = bins_of(confidence.ravel(), right.ravel())
    squares = ((second - labels) ** 2).mean(axis=0)
    plain = np.stack([replace(each, temperature=1.0).second for each in languages])
    return ProbabilityCalibration(
        temperature=languages[0].temperature,
        items=right.size,
        confidence=float(confidence.mean()),
        accuracy=float(right.mean()),
        ece=expected_calibration_error(bins),
        ece_unscaled=expected_calibration_error(
            bins_of(np.maximum(plain, 1 - plain).ravel(), right.ravel())
        ),
        brier=Bootstrap.of(squares.size).estimate(squares),
        bins=bins,
    )


def bins_of(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> tuple[Bin, ...]:
    """Sort answers into 15 bins of equal width from 0.5 to 1.

    As in Guo et al. 2017 (arXiv 1706.04599, section 2), who divide the range from 0 to 1; with
    two choices its lower half would stay empty and the upper bins be twice as coarse.

    Args:
        confidence: shape ``[answers]``; the probability of the chosen answer.
        right: shape ``[answers]``; 1 where it was right, else 0.
    """
    edges = np.linspace(LEAST_CONFIDENCE, 1, BINS + 1)
    places = np.digitize(confidence, edges[1:-1], right=True)
    return tuple(
        _bin(float(low), float(high), confidence[places == place], right[places == place])
        for place, (low, high) in enumerate(pairwise(edges))
    )


def _bin(
    low: float, high: float, confidence: NDArray[np.float64], right: NDArray[np.float64]
) -> Bin:
    if right.size == 0:
        return Bin(low, high, 0, None, None)
    return Bin(low, high, right.size, float(confidence.mean()), float(right.mean()))


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Return the mean gap between confidence and accuracy, weighted by a bin's answers.

    Naeini, Cooper and Hauskrecht 2015 (AAAI); Guo et al. 2017, equation 3.
    """
    gaps = [
        each.items * abs(each.accuracy - each.confidence)
        for each in bins
        if each.accuracy is not None and each.confidence is not None
    ]
    return sum(gaps) / sum(each.items for each in bins)
