"""Asks models that are loaded in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.engine.compute import set_up
from app.engine.tokenizer import CausalItem, Rows
from app.errors import InvalidRequestError
from app.settings import Settings
from app.weights.variant import Variant, load_variants
from models.evaluation.ask.predictor import Advance
from models.tasks.example import DataError

BATCH_ITEMS = 16


class LocalPredictor:
    """A variant that is loaded in this process."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant

    @property
    def revision(self) -> str:
        return self._variant.revision

    def logits(self, items: Sequence[CausalItem], advance: Advance) -> NDArray[np.float64]:
        encoded = self._variant.tokenizer.encode(items)
        rows = [_rows(*pair) for pair in zip(encoded, items, strict=True)]
        logits: list[float] = []
        for start in range(0, len(rows), BATCH_ITEMS):
            batch = rows[start : start + BATCH_ITEMS]
            logits += self._variant.engine.logits([row for pair in batch for row in pair])
            advance(len(batch))
        return np.reshape(logits, (len(rows), 2))


def _rows(rows: Rows | InvalidRequestError, item: CausalItem) -> Rows:
    if isinstance(rows, InvalidRequestError):
        raise DataError(f"{item}: {rows}")
    return rows


Opener = Callable[[str, str], LocalPredictor]
"""Loads the variant of a name from a source: a hub id or a directory."""


def opener(settings: Settings) -> Opener:
    """Return what loads variants as the service would, device, precision and threads.

    One model is loaded after the other, so all threads work on every product (``set_up`` says
    why).

    Raises:
        StartError: the machine lacks what a setting asks for.
    """
    compute = set_up(settings.threads, settings.device, settings.precision, lanes=False)

    def load(name: str, source: str) -> LocalPredictor:
        return LocalPredictor(load_variants({name: source}, settings.cache_dir, compute)[name])

    return load
