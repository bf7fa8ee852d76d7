"""Rows that are causal items: a premise, two choices, and a question, cause or effect."""

from __future__ import annotations

from collections.abc import Callable

from app.engine.tokenizer import CausalItem
from models.tasks.example import Example
from models.tasks.reading.row import DataRow

_QUESTIONS = ("cause", "effect")


def causal(
    *,
    premise: str = "premise",
    choice1: str = "choice1",
    choice2: str = "choice2",
    question: str = "question",
    label: str = "label",
    first_label: int = 0,
) -> Callable[[DataRow], Example]:
    """Return a function that makes an example of a row, with the set's names of the fields.

    A set counts its choices from ``first_label``, and an example from 0.
    """

    def make(row: DataRow) -> Example:
        asked = _QUESTIONS[row.one_of(question, _QUESTIONS)]
        item = CausalItem(row.text(premise), row.text(choice1), row.text(choice2), asked)
        return Example(item, row.index(label, count=2, first=first_label))

    return make
