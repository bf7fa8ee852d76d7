"""CommonsenseQA: the right choice is the one with the letter, wherever it stands."""

from __future__ import annotations

from pathlib import Path

from models.tasks.example import Choices
from models.tasks.sets.commonsenseqa import TASK
from tests.models.tasks.invented import COMMONSENSEQA
from tests.models.tasks.writing import write


def test_a_letter_names_the_right_choice_and_a_row_that_has_it_twice_is_left_out(
    tmp_path: Path,
) -> None:
    assert TASK.load(write(COMMONSENSEQA.files, tmp_path), "train") == [
        Choices("Where are books kept?", ("shelf", "oven", "moon", "pond", "bed"), 0),
        Choices("What moves the tide?", ("wind", "moon", "fish", "sand", "ships"), 1),
    ]
