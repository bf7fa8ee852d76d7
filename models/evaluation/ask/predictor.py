"""Who predicts the items of an evaluation: anything that gives each choice a logit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.tokenizer import CausalItem

Advance = Callable[[int], None]
"""Called with the number of items that were predicted since the last call."""


class EvaluationError(Exception):
    """The evaluation cannot go on; the message is one line for the person who started it."""


class Predictor(Protocol):
    """A model that can be asked."""

    @property
    def revision(self) -> str:
        """Changes whenever the weights do."""
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
