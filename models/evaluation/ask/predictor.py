"""Who predicts items: anything that gives each choice a logit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.tokenizer import CausalItem
from app.errors import FieldError

_SHOWN_CHARACTERS = 60
"""Of a text that an error repeats."""

Advance = Callable[[int], None]
"""Called with the number of items that were predicted since the last call."""


class EvaluationError(Exception):
    """No item can be asked, or not any more; the message is one line for whoever started it."""


@dataclass(frozen=True)
class Unanswered:
    """Why one item has no logits, while others may have theirs."""

    detail: str
    errors: tuple[FieldError, ...] = ()
    """The fields that are wrong, where it is they."""


ItemLogits = tuple[float, float]
"""One a choice."""

ItemOutcome = ItemLogits | Unanswered


def checked(pair: Sequence[float]) -> ItemOutcome:
    """Return an item's logits, or that they are no numbers."""
    first, second = pair
    if not (math.isfinite(first) and math.isfinite(second)):
        return Unanswered("the model answers with logits that are no numbers")
    return first, second


def beginning(item: CausalItem) -> str:
    """Return what an error repeats of an item, in one short line."""
    texts = (text[:_SHOWN_CHARACTERS] for text in (item.premise, item.choice1))
    return "begins " + ", ".join(map(repr, texts))


class Predictor(Protocol):
    """A model that can be asked."""

    @property
    def revision(self) -> str:
        """Changes with all that changes an answer."""
        ...

    @property
    def temperature(self) -> float:
        """What its logits are divided by to give probabilities."""
        ...

    def logits(self, items: Sequence[CausalItem], advance: Advance) -> NDArray[np.float64]:
        """Return the logits, shape ``[items, 2]``.

        Raises:
            DataError: an item cannot be predicted.
            EvaluationError: no item can be.
        """
        ...


@dataclass(frozen=True)
class Run:
    """One model of the evaluation: a variant, or one of its seeds, opened when its turn comes.

    Only one is open at a time, so that memory for one model is enough.
    """

    variant: str
    open: Callable[[], Predictor]
    seed: str | None = None
    """The name of its directory, such as ``seed-1``."""

    @property
    def name(self) -> str:
        """The variant, or ``variant/seed``."""
        return self.variant if self.seed is None else f"{self.variant}/{self.seed}"
