"""Checks whether an answer of the service is sound. Load tests count other answers as failures.

An answer is whatever JSON a server may send: none of these functions raises for any value.
"""

from __future__ import annotations

import math
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field, ValidationError

from app.settings import VARIANTS

T = TypeVar("T", bound=BaseModel)


class _Prediction(BaseModel, strict=True):
    """What a prediction must have to be judged."""

    label: Annotated[int, Field(ge=0, le=1)]
    probabilities: list[float]

    @property
    def adds_up(self) -> bool:
        """Whether the probabilities add up to 1 and the label is the most probable choice."""
        best = max(self.probabilities, default=math.nan)
        return (
            len(self.probabilities) > self.label
            and math.isclose(sum(self.probabilities), 1, abs_tol=1e-6)
            and self.probabilities.index(best) == self.label
        )


class _Comparison(BaseModel, strict=True):
    predictions: dict[str, _Prediction]
    agree: bool


class _Batch(BaseModel, strict=True):
    predictions: list[_Prediction]


def is_prediction(answer: object) -> bool:
    """Whether the probabilities add up to 1 and the label is the most probable choice."""
    prediction = _read(_Prediction, answer)
    return prediction is not None and prediction.adds_up


def is_comparison(answer: object) -> bool:
    """Whether both models made a sound prediction, and ``agree`` says what their labels say."""
    comparison = _read(_Comparison, answer)
    if comparison is None:
        return False
    predictions = comparison.predictions
    labels = {prediction.label for prediction in predictions.values()}
    return (
        set(predictions) == set(VARIANTS)
        and all(prediction.adds_up for prediction in predictions.values())
        and comparison.agree == (len(labels) == 1)
    )


def is_batch(answer: object, size: int) -> bool:
    """Whether there are that many predictions, all of them sound."""
    batch = _read(_Batch, answer)
    if batch is None:
        return False
    return len(batch.predictions) == size and all(each.adds_up for each in batch.predictions)


def _read(kind: type[T], answer: object) -> T | None:
    try:
        return kind.model_validate(answer)
    except ValidationError:
        return None
