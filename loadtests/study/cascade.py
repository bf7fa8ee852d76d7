"""A cascade: ask the first model, and the second only where the first is unsure.

Where intermediate training could change the cost of an answer (Varshney and Baral 2022,
arXiv 2210.05528, for cascades of language models). The cost is counted in passes of one model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.ask.predictions import SetPredictions

_STEPS = 101

ALWAYS = 1.01
"""A threshold that no probability reaches."""


@dataclass(frozen=True)
class Operating:
    """What a cascade comes to at one threshold."""

    threshold: float
    """The second model is asked where the first is less confident than this."""
    passes: float
    """Of a model, an item, on average: 1 where nobody is unsure, 2 where everybody is."""
    accuracy: float


def operate(first: SetPredictions, second: SetPredictions, threshold: float) -> Operating:
    """Run a cascade on items whose answers by both models are known."""
    asked = unsure(first, threshold)
    right = np.where(asked, second.right, first.right)
    return Operating(threshold, 1 + float(asked.mean()), float(right.mean()))


def unsure(predictions: SetPredictions, threshold: float) -> NDArray[np.bool_]:
    """Return of which items the second model is asked; shape ``[items]``."""
    asked: NDArray[np.bool_] = confidence(predictions) < threshold
    return asked


def confidence(predictions: SetPredictions) -> NDArray[np.float64]:
    """Return the probability of the answer that was chosen; shape ``[items]``."""
    sure: NDArray[np.float64] = np.maximum(predictions.second, 1 - predictions.second)
    return sure


def sweep(first: SetPredictions, second: SetPredictions) -> list[Operating]:
    """Return a cascade at every threshold that is a quantile of the first model's confidence."""
    thresholds = np.quantile(confidence(first), np.linspace(0, 1, _STEPS))
    ends = [*np.unique(thresholds).tolist(), ALWAYS]
    return [operate(first, second, threshold) for threshold in ends]


def choose(points: Sequence[Operating], most_passes: float) -> Operating:
    """Return the most accurate point within a cost; of equals, the cheapest.

    To be chosen on validation, and measured elsewhere.

    Args:
        points: of a sweep.
        most_passes: of a model, an item.
    """
    affordable = [point for point in points if point.passes <= most_passes]
    return max(affordable, key=lambda point: (point.accuracy, -point.passes))
