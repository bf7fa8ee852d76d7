"""Runs a cascade for real: two models in one process, the second on the rows of few items."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.engine.engine import Row
from app.engine.tokenizer import Rows

ROWS = 2
"""Of an item, a choice each."""

BothRows = tuple[Rows, Rows]
"""The rows of an item as the first model is asked, and as the second is."""


class Runner(Protocol):
    """Whatever gives rows their logits."""

    def logits(self, rows: Sequence[Row]) -> Sequence[float]: ...


@dataclass(frozen=True)
class CascadeRunner:
    """Asks the first model, and the second where the first is unsure."""

    first: Runner
    second: Runner
    threshold: float
    """The first is unsure where the probability of its choice is below this."""
    temperature: float = 1.0
    """Of the first, what its logits are divided by."""

    def choices(self, items: Sequence[BothRows]) -> list[int]:
        """Return the choice of each item of a batch, 0 or 1."""
        pairs = _pairs(self.first.logits(_chained([own for own, _ in items])))
        unsure = [place for place, pair in enumerate(pairs) if self._is_unsure(pair)]
        if unsure:
            asked = _pairs(self.second.logits(_chained([items[place][1] for place in unsure])))
            for place, pair in zip(unsure, asked, strict=True):
                pairs[place] = pair
        return [int(second > first) for first, second in pairs]

    def _is_unsure(self, pair: tuple[float, float]) -> bool:
        apart = abs(pair[0] - pair[1]) / self.temperature
        return 1 / (1 + math.exp(-apart)) < self.threshold


def _chained(rows: Sequence[Rows]) -> list[Row]:
    return list(itertools.chain.from_iterable(rows))


def _pairs(logits: Sequence[float]) -> list[tuple[float, float]]:
    return [(logits[place], logits[place + 1]) for place in range(0, len(logits), ROWS)]
