"""Engines that stand in for a model's where a test needs no model."""

from __future__ import annotations


class ColdEngine:
    """Needs no warm-up; a subclass says what it answers."""

    def warm_up(self) -> None:
        """Nothing to do."""
