"""Questions whose choices have letters, as in CommonsenseQA and OpenBookQA.

The published files nest the question and list the choices one by one. The hub has one list of
letters and one of texts. The right choice is the one with the letter ``answerKey``, at any
position.
"""

from __future__ import annotations

from collections.abc import Callable

from models.tasks.example import Choices
from models.tasks.reading.row import DataRow
from models.tasks.shapes.choices import choices


def make(row: DataRow) -> Choices | None:
    """Make an example of a row of the published files."""
    question = row.inner("question")
    each = question.inners("choices")
    letters = [choice.text("label") for choice in each]
    texts = [choice.text("text") for choice in each]
    return choices(question.text("stem"), texts, row.one_of("answerKey", letters))


def makes_of_hub(stem: str) -> Callable[[DataRow], Choices | None]:
    """Return a function that makes an example of a row of the hub.

    Args:
        stem: the field of the question.
    """

    def make_of_hub(row: DataRow) -> Choices | None:
        each = row.inner("choices")
        letters = each.texts("label")
        return choices(row.text(stem), each.texts("text"), row.one_of("answerKey", letters))

    return make_of_hub
