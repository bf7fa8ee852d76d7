"""One number that makes a variant's probabilities mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]

_RANGE = (0.05, 50.0)
"""Beyond it, probabilities are all one half, or all certain."""


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the temperature with the least mean negative log likelihood.

    Temperature scaling (Guo et al. 2017, arXiv 1706.04599, section 4.2). It changes no answer.

    Args:
        logits: shape ``[items, 2]``, of items that the model has not seen.
        labels: shape ``[items]``; 0 or 1.
    """
    margins = np.where(labels == 1, 1, -1) * (logits[:, 1] - logits[:, 0])

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -margins / np.exp(log_temperature)).mean())

    found = minimize_scalar(loss, bounds=np.log(_RANGE), method="bounded")
    return float(np.exp(found.x))
