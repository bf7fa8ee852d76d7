"""The code that the multiple-choice sets share."""

from __future__ import annotations

from collections.abc import Sequence

from models.tasks.example import Choices


def choices(context: str, endings: Sequence[str], label: int) -> Choices | None:
    """Make an example, or None where a wrong ending reads like the right one.

    Nothing can be learnt from such a row, and an answer to it is right by chance.
    """
    if endings.count(endings[label]) > 1:
        return None
    return Choices(context, tuple(endings), label)


def after(question: str, answers: Sequence[str]) -> tuple[str, ...]:
    """Put the question before each answer: the two are one segment."""
    return tuple(f"{question} {answer}" for answer in answers)
