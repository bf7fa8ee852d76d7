"""Checks whether an answer of the service is sound. Load tests count other answers as failures."""

from __future__ import annotations

import math
from typing import Any

from app.settings import VARIANTS


def is_prediction(answer: dict[str, Any]) -> bool:
    """Whether the probabilities add up to 1 and the label is the most probable choice."""
    probabilities = answer["probabilities"]
    best = probabilities.index(max(probabilities))
    return math.isclose(sum(probabilities), 1, abs_tol=1e-6) and answer["label"] == best


def is_comparison(answer: dict[str, Any]) -> bool:
    """Whether both models made a sound prediction, and ``agree`` says what their labels say."""
    predictions = answer["predictions"]
    labels = {prediction["label"] for prediction in predictions.values()}
    return (
        set(predictions) == set(VARIANTS)
        and all(map(is_prediction, predictions.values()))
        and answer["agree"] == (len(labels) == 1)
    )


def is_batch(answer: dict[str, Any], size: int) -> bool:
    """Whether there are that many predictions, all of them sound."""
    predictions = answer["predictions"]
    return len(predictions) == size and all(map(is_prediction, predictions))
