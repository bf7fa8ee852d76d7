"""Rows of natural language inference: whether a hypothesis follows from a premise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.tasks.example import Sentences
from models.tasks.reading.row import DataRow

LABELS = ("entailment", "neutral", "contradiction")
NO_CONSENSUS = "-"
"""The label that SNLI and MultiNLI give where the annotators did not agree."""


def named(
    premise: str, hypothesis: str, label: str, names: Sequence[str] = LABELS
) -> Callable[[DataRow], Sentences | None]:
    """Return a function that makes an example of a row whose labels are names.

    A pair without a consensus, or with an empty hypothesis, is no example.
    """

    def make(row: DataRow) -> Sentences | None:
        if row.value(label) == NO_CONSENSUS or row.blank(hypothesis):
            return None
        return Sentences(row.text(premise), row.text(hypothesis), row.one_of(label, names))

    return make


def numbered(row: DataRow) -> Sentences | None:
    """Make an example of a row of the hub, where -1 is no consensus."""
    if row.value("label") == -1 or row.blank("hypothesis"):
        return None
    label = row.index("label", len(LABELS))
    return Sentences(row.text("premise"), row.text("hypothesis"), label)
