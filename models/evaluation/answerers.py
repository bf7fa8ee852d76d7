"""Who answers the items of an evaluation: anything that gives each choice a logit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.engine.tokenizer import CausalItem

Advance = Callable[[int], None]
"""Called with the number of items that were answered since the last call."""

DIRECT, STILTS = "direct", "stilts"
VARIANTS = (DIRECT, STILTS)


class EvaluationError(Exception):
    """The evaluation cannot go on; the message is one line for the person who started it."""


class Answerer(Protocol):
    """A model that can be asked."""

    @property
    def revision(self) -> str:
        """Changes whenever the weights do."""
        ...

    def logits(self, items: Sequence[CausalItem], advance: Advance) -> NDArray[np.float64]:
        """Return the logits, shape ``[items, 2]``.

        Raises:
            DataError: an item cannot be answered.
            EvaluationError: nothing can be.
        """
        ...


@dataclass(frozen=True)
class Contestant:
    """A run of the evaluation: a variant, or one of its seeds, that is opened when its turn comes.

    One at a time, so that the memory of one model is enough.
    """

    variant: str
    open: Callable[[], Answerer]
    seed: str | None = None
    """Its directory's name, such as ``seed-1``."""

    @property
    def run(self) -> str:
        return self.variant if self.seed is None else f"{self.variant}/{self.seed}"
