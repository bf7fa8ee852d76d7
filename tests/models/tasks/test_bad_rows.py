"""What is wrong in a row of any set is told with file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.tasks.registry import TASKS
from tests.models.tasks.invented import LOST, SETS, SHELF
from tests.models.tasks.writing import Fields, lines, write

COPA = {"premise": "a", "choice1": "b", "choice2": "c", "question": "cause", "label": 1}
SOCIAL: Fields = {**LOST, "label": 0}
NLI = {"sentence1": "a", "sentence2": "b", "gold_label": "neutral"}


@pytest.mark.parametrize(
    ("task", "file", "good", "change", "told"),
    [
        ("copa", "copa/train.jsonl", COPA, {"label": None}, "label is missing"),
        ("copa", "copa/train.jsonl", COPA, {"label": 2}, "label is not one of 0 to 1: 2"),
        ("copa", "copa/train.jsonl", COPA, {"label": -1}, "label is not one of 0 to 1: -1"),
        ("copa", "copa/train.jsonl", COPA, {"choice1": ""}, "choice1 is empty"),
        ("copa", "copa/train.jsonl", COPA, {"question": "why"}, "question is not one of cause"),
        ("socialiqa", "socialiqa/train.jsonl", SOCIAL, {"label": 3}, "label is not one of 0 to 2"),
        ("socialiqa", "socialiqa/train.jsonl", SOCIAL, {"question": " "}, "question is empty"),
        (
            "commonsenseqa",
            "commonsenseqa/train_rand_split.jsonl",
            SHELF,
            {"answerKey": "F"},
            "answerKey is not one of A, B, C, D, E: 'F'",
        ),
        ("mnli", "mnli/multinli_1.0_train.jsonl", NLI, {"sentence1": ""}, "sentence1 is empty"),
        ("mnli", "mnli/multinli_1.0_train.jsonl", NLI, {"gold_label": "no"}, "gold_label is not"),
    ],
)
def test_a_wrong_field_is_named(
    tmp_path: Path, task: str, file: str, good: Fields, change: Fields, told: str
) -> None:
    data = write({**SETS[task].files, file: lines(good, {**good, **change})}, tmp_path)
    with pytest.raises(DataError) as caught:
        TASKS[task].load(data, "train")
    assert str(caught.value).startswith(f"{data / file}:2: {told}")


def test_the_same_rows_without_a_wrong_field_are_read(tmp_path: Path) -> None:
    data = write({**SETS["copa"].files, "copa/train.jsonl": lines(COPA)}, tmp_path)
    assert len(TASKS["copa"].load(data, "train")) == 1
