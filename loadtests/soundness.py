"""Checks whether an answer of the service is sound. Load tests count other answers as failures.

An answer is whatever JSON a server may send: none of these functions raises for any value. Each
returns the answers of the models that it found, or None where something is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from app.settings import VARIANTS

T = TypeVar("T", bound=BaseModel)

_Named = Annotated[str, Field(min_length=1)]


class ModelAnswer(BaseModel, strict=True):
    """What one model says: a number for each choice."""

    probabilities: list[FiniteFloat]
    logits: list[FiniteFloat]
    model: _Named
    revision: _Named
    request_id: _Named

    def adds_up(self, choices: int) -> bool:
        """Whether each choice has a logit and a probability, and these add up to 1."""
        return len(self.logits) == len(self.probabilities) == choices and math.isclose(
            sum(self.probabilities), 1, abs_tol=1e-6
        )


class _Prediction(ModelAnswer, strict=True):
    label: Annotated[int, Field(ge=0, le=1)]

    @property
    def is_sound(self) -> bool:
        """Whether the label is the most probable choice, besides."""
        return self.adds_up(2) and self.probabilities[self.label] == max(self.probabilities)


class _Ranking(ModelAnswer, strict=True):
    order: list[int]

    def is_sound(self, choices: int) -> bool:
        """Whether each choice is ranked once, the most probable first."""
        if not self.adds_up(choices) or sorted(self.order) != list(range(choices)):
            return False
        ranked = [self.probabilities[index] for index in self.order]
        return ranked == sorted(ranked, reverse=True)


class _Comparison(BaseModel, strict=True):
    predictions: dict[str, _Prediction]
    agree: bool


class _Batch(BaseModel, strict=True):
    predictions: list[_Prediction]


def prediction(answer: object, model: str) -> Sequence[ModelAnswer] | None:
    """Return the answer of the model that was asked."""
    found = _read(_Prediction, answer)
    return [found] if found and found.is_sound and found.model == model else None


def comparison(
    answer: object, variants: Collection[str] = VARIANTS
) -> Sequence[ModelAnswer] | None:
    """Return the answers of all models, if ``agree`` says what their labels say.

    Args:
        answer: what the service sent.
        variants: those that must be among the models.
    """
    found = _read(_Comparison, answer)
    if found is None or not found.predictions.keys() >= set(variants):
        return None
    each_is_sound = all(
        each.is_sound and each.model == name for name, each in found.predictions.items()
    )
    labels = {each.label for each in found.predictions.values()}
    if not each_is_sound or found.agree != (len(labels) == 1):
        return None
    return list(found.predictions.values())


def batch(answer: object, size: int, model: str) -> Sequence[ModelAnswer] | None:
    """Return the answers to that many items."""
    found = _read(_Batch, answer)
    if found is None or len(found.predictions) != size:
        return None
    if all(each.is_sound and each.model == model for each in found.predictions):
        return found.predictions
    return None


def ranking(answer: object, choices: int, model: str) -> Sequence[ModelAnswer] | None:
    """Return the answer that ranks that many choices."""
    found = _read(_Ranking, answer)
    return [found] if found and found.is_sound(choices) and found.model == model else None


def _read(kind: type[T], answer: object) -> T | None:
    try:
        return kind.model_validate(answer)
    except ValidationError:
        return None
