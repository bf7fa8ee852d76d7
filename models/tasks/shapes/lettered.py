"""Questions whose choices have letters, as in CommonsenseQA and OpenBookQA.

The published files nest the question and list the choices one by one. The hub has one list of
letters and one of texts. The right choice is the one with the letter ``answerKey``, at any
position.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.tasks.example import Choices
from models.tasks.reading.row import DataRow
from models.tasks.shapes.choices import choices


def make(row: DataRow) -> Choices | None:
    """Make an example of a row of the published files."""
    question = row.inner("question")
    each = question.inners("choices")
    letters = [choice.text("label") for choice in each]
    texts = [choice.text("text") for choice in each]
    return choices(question.text("stem"), texts, _right(row, letters, texts))


def makes_of_hub(stem: str) -> Callable[[DataRow], Choices | None]:
    """Return a function that makes an example of a row of the hub.

    Args:
        stem: the field of the question.
    """

    def make_of_hub(row: DataRow) -> Choices | None:
        each = row.inner("choices")
        letters, texts = each.texts("label"), each.texts("text")
        return choices(row.text(stem), texts, _right(row, letters, texts))

    return make_of_hub


def _right(row: DataRow, letters: Sequence[str], texts: Sequence[str]) -> int:
    """Return the position of the right choice."""
    if len(set(letters)) != len(texts) or len(letters) != len(texts):
        raise row.error("choices", f"are {len(texts)}, with the letters {', '.join(letters)}")
    return row.one_of("answerKey", letters)
