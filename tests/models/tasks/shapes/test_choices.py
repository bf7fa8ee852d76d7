"""Multiple choice: a row that nothing can be learnt from is no example."""

from __future__ import annotations

from models.tasks.example import Choices
from models.tasks.shapes.choices import after, choices


def test_a_row_whose_right_ending_stands_there_twice_is_left_out() -> None:
    assert choices("It rained.", ["dry", "wet", "wet"], 1) is None
    assert choices("It rained.", ["wet", "dry", "wet"], 2) is None


def test_wrong_endings_may_be_the_same() -> None:
    assert choices("It rained.", ["dry", "wet", "dry"], 1) == Choices(
        "It rained.", ("dry", "wet", "dry"), 1
    )


def test_a_question_stands_before_each_answer() -> None:
    assert after("Why?", ["Rain.", "Sun."]) == ("Why? Rain.", "Why? Sun.")
