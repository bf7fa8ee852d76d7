"""The protocol of an engine: token ids in, logits out. This module imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Row = Sequence[int]
"""The token ids of one row: a premise, the question in words, and one choice."""


ALIGNMENT = 16
"""Streams are rounded up to this many tokens: oneDNN compiles a kernel, of some megabytes, for
every new number of tokens, so a few numbers must do for all batches."""


class Engine(Protocol):
    """One model's forward pass."""

    def logits(self, rows: Sequence[Row]) -> Sequence[float]:
        """Return one logit for each row, in the order of the rows.

        Args:
            rows: of any lengths, from 1 token to the model's limit.
        """

    def warm_up(self) -> None:
        """Prepare everything that would make the first call slow; call it once, before."""
