"""The examples that the rows of all sets become: one type for each kind of head."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.engine.tokenizer import CausalItem


class DataError(Exception):
    """Data is missing, cannot be fetched, or has a wrong row."""


class Head(StrEnum):
    """The layer on top of the encoder while a task trains."""

    MULTIPLE_CHOICE = "multiple-choice"
    CLASSIFICATION = "classification"
    SPAN = "span"
    TAGGING = "tagging"


@dataclass(frozen=True)
class Example:
    """A causal item and the choice that is right: 0 or 1."""

    item: CausalItem
    label: int


@dataclass(frozen=True)
class Choices:
    """Multiple choice: each ending is a whole second segment, its question included."""

    context: str
    endings: tuple[str, ...]
    label: int


@dataclass(frozen=True)
class Sentences:
    """Classification of a sentence, or of a pair."""

    first: str
    second: str | None
    label: int


@dataclass(frozen=True)
class Span:
    """A question, and where in the context it is answered.

    ``answer`` is ``(start, stop)`` in characters of ``context``, or None where the context
    answers nothing.
    """

    question: str
    context: str
    answer: tuple[int, int] | None


@dataclass(frozen=True)
class Tagged:
    """A sentence in words, and the tag of each as an index into the task's labels."""

    words: tuple[str, ...]
    tags: tuple[int, ...]


AnyExample = Example | Choices | Sentences | Span | Tagged
Examples = list[Example] | list[Choices] | list[Sentences] | list[Span] | list[Tagged]
"""What a task loads; every example of a task has one type."""
