"""A long list of choices in parts: it waits for its turns, and fills batches, as items do.

An engine runs what a ticket brings in one batch. A ticket with 32 rows would hold it for as long
as sixteen items do, and take their memory at once. So the rows of an ask are shared out over
items in flight of at most ``ROWS_A_PART`` rows; the ask ends when all of them have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.engine.tokenizer import Rows
from app.serving.answer import queue_seconds
from app.serving.inflight import InFlightItem

ROWS_A_PART = 2
"""As many as a question of XCOPA has: those have one part."""


def in_parts(rows: Rows) -> list[Rows]:
    """Return the rows, in order, at most ``ROWS_A_PART`` in each part."""
    return [rows[first : first + ROWS_A_PART] for first in range(0, len(rows), ROWS_A_PART)]


@dataclass(frozen=True)
class Parts:
    """The items in flight that hold the rows of one ask, in the order of its choices."""

    items: Sequence[InFlightItem]

    @property
    def ended(self) -> str | None:
        """How the ask ended for its caller, or None while a part is under way."""
        ends = {item.ended for item in self.items}
        if "failed" in ends:
            return "failed"
        return None if None in ends else "answered"

    @property
    def error(self) -> Exception | None:
        """Why a part has no logits; the first such part's."""
        results = (item.result for item in self.items)
        return next((result.error for result in results if result and result.error), None)

    @property
    def logits(self) -> tuple[float, ...]:
        """One logit a choice, once every part is answered."""
        results = [item.result for item in self.items]
        return tuple(
            logit for result in results if result and result.logits for logit in result.logits
        )

    @property
    def queue_seconds(self) -> float:
        """How long the part that waited longest did."""
        return max(queue_seconds(item.ticket) for item in self.items)

    @property
    def inference_seconds(self) -> float:
        """The time of the longest batch."""
        return max(item.result.inference_seconds for item in self.items if item.result)

    @property
    def slowest(self) -> InFlightItem:
        """The part that has not ended, else the one that ended last."""
        return max(self.items, key=lambda item: item.result.at if item.result else float("inf"))
