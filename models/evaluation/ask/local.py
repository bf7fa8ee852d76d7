"""Asks models that are loaded in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.engine.compute import set_up
from app.engine.tokenizer import CausalItem, Rows
from app.errors import InvalidRequestError
from app.model_settings.variant_settings import VariantSettings
from app.settings import Settings
from app.weights.variant import Variant, load_variants
from models.evaluation.ask.predictor import Advance, ItemOutcome, Unanswered, beginning, checked
from models.tasks.example import DataError

WINDOW_ITEMS = 256
"""Items among which those of like length share a batch."""

BATCH_TOKENS = 1024
"""Token budget of a batch where no setting says another: far beyond the size at which larger
batches of short rows stop being faster on a CPU."""


class LocalPredictor:
    """A variant that is loaded in this process."""

    def __init__(self, variant: Variant, batch_tokens: int = BATCH_TOKENS) -> None:
        self._variant = variant
        self._batch_tokens = batch_tokens

    @property
    def revision(self) -> str:
        return self._variant.revision

    @property
    def temperature(self) -> float:
        return self._variant.temperature

    def logits(self, items: Sequence[CausalItem], advance: Advance) -> NDArray[np.float64]:
        logits: list[ItemOutcome] = []
        for start in range(0, len(items), WINDOW_ITEMS):
            window = items[start : start + WINDOW_ITEMS]
            for item, outcome in zip(window, self.outcomes(window), strict=True):
                if isinstance(outcome, Unanswered):
                    raise DataError(f"the item that {beginning(item)}: {outcome.detail}")
                logits.append(outcome)
            advance(len(window))
        return np.reshape(np.array(logits, dtype=np.float64), (len(items), 2))

    def outcomes(self, items: Sequence[CausalItem]) -> list[ItemOutcome]:
        """Return each item's logits, or why it has none; a bad item leaves the others alone.

        Items of like length share a batch, up to the token budget.
        """
        encoded = self._variant.tokenizer.encode(items)
        readable: dict[int, Rows] = {}
        found: dict[int, ItemOutcome] = {}
        for index, rows in enumerate(encoded):
            if isinstance(rows, InvalidRequestError):
                found[index] = Unanswered(rows.detail, rows.errors)
            else:
                readable[index] = rows
        for batch in _batches(readable, self._batch_tokens):
            found |= zip(batch, self._run([readable[index] for index in batch]), strict=True)
        return [found[index] for index in range(len(items))]

    def _run(self, batch: Sequence[Rows]) -> list[ItemOutcome]:
        """Run a batch; one that fails, for lack of memory say, is run again by halves."""
        try:
            logits = self._variant.engine.logits([row for rows in batch for row in rows])
        except (RuntimeError, MemoryError) as error:
            if len(batch) == 1:
                return [Unanswered(f"the model failed on this item: {error}")]
            half = len(batch) // 2
            return [*self._run(batch[:half]), *self._run(batch[half:])]
        return [checked(logits[place : place + 2]) for place in range(0, len(logits), 2)]


def _batches(rows: Mapping[int, Rows], budget: int) -> Iterator[list[int]]:
    """Deal items out, by their keys and the shortest first, within a budget of tokens."""
    tokens = {index: sum(map(len, own)) for index, own in rows.items()}
    batch: list[int] = []
    size = 0
    for index in sorted(tokens, key=tokens.__getitem__):
        if batch and size + tokens[index] > budget:
            yield batch
            batch, size = [], 0
        batch.append(index)
        size += tokens[index]
    if batch:
        yield batch


Opener = Callable[[str, str | VariantSettings], LocalPredictor]
"""Loads the variant of a name from a source, a hub id or a directory, or as settings have it."""


def opener(settings: Settings, *, lanes: bool = False) -> Opener:
    """Return what loads variants as the service would, device, precision and threads.

    Args:
        settings: say how to compute.
        lanes: see ``set_up``; without, one model can be loaded after the other.

    Raises:
        StartError: the machine lacks what a setting asks for.
    """
    compute = set_up(
        settings.threads,
        settings.device,
        settings.precision,
        settings.linear_kernel,
        lanes=lanes,
    )
    budget = settings.batch_tokens or BATCH_TOKENS

    def load(name: str, source: str | VariantSettings) -> LocalPredictor:
        variants = load_variants({name: source}, settings.cache_dir, compute)
        return LocalPredictor(variants[name], budget)

    return load
