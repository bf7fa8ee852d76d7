"""An engine that costs nothing, so that what is around it can be measured."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.engine import Row


class NullEngine:
    """Answers zeros."""

    def logits(self, rows: Sequence[Row]) -> list[float]:
        return [0.0] * len(rows)

    def warm_up(self) -> None:
        """Nothing to warm."""
