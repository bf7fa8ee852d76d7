"""Choices with letters: upstream nests them, and the hub lays them flat."""

from __future__ import annotations

from typing import Any

import pytest

from models.tasks.example import Choices, DataError
from models.tasks.reading.row import DataRow
from models.tasks.shapes.lettered import make, makes_of_hub

EXPECTED = Choices("What shines?", ("stone", "lamp", "soil"), 1)
LETTERS, TEXTS = ["C", "A", "B"], ["stone", "lamp", "soil"]


def nested(answer: str = "A") -> DataRow:
    choices = [{"label": a, "text": b} for a, b in zip(LETTERS, TEXTS, strict=True)]
    return DataRow(
        "row", {"question": {"stem": "What shines?", "choices": choices}, "answerKey": answer}
    )


def flat(**changes: Any) -> DataRow:
    choices = {"label": LETTERS, "text": TEXTS, **changes}
    return DataRow("row", {"stem": "What shines?", "choices": choices, "answerKey": "A"})


def test_the_right_choice_is_the_one_with_the_letter_wherever_it_stands() -> None:
    assert make(nested()) == EXPECTED
    assert makes_of_hub("stem")(flat()) == EXPECTED


def test_a_row_whose_right_choice_stands_there_twice_is_left_out() -> None:
    assert makes_of_hub("stem")(flat(text=["lamp", "lamp", "soil"])) is None


def test_a_letter_that_no_choice_has_is_named() -> None:
    with pytest.raises(DataError, match=r"^row: answerKey is not one of C, A, B: 'D'$"):
        make(nested("D"))
