"""LogiQA 2.0: the question belongs to the options."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import Choices, DataError
from models.tasks.sets.logiqa2 import TASK
from tests.models.tasks.invented import LOGIQA2, RULE
from tests.models.tasks.writing import lines, write

ENDINGS = (
    "Which follows? No lamp is on.",
    "Which follows? The hall lamp is on.",
    "Which follows? It is day.",
    "Which follows? It is night.",
)
LAMP = Choices("Every lamp in the house is on.", ENDINGS, 1)
TRAINS = Choices("Trains run by day or by night.", ENDINGS, 3)


def test_each_split_is_read_from_its_own_file(tmp_path: Path) -> None:
    data = write(LOGIQA2.files, tmp_path)
    read = {split: TASK.load(data, split) for split in ("train", "val", "test")}
    assert read == {"train": [LAMP, TRAINS], "val": [TRAINS], "test": [LAMP]}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"answer": 4}, "answer is not one of 0 to 3: 4"),
        ({"options": "No lamp is on."}, "options is not a list"),
        ({"options": ["It is day.", ""]}, r"options\[1\] is empty"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, change: dict[str, object], told: str) -> None:
    files = {**LOGIQA2.files, "logiqa2/dev.txt": lines(RULE, {**RULE, **change})}
    with pytest.raises(DataError, match=rf"dev\.txt:2: {told}"):
        TASK.load(write(files, tmp_path), "val")
