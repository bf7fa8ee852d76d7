"""OpenBookQA: its three splits, and letters in another order than that of the choices."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import Choices, DataError
from models.tasks.sets.openbookqa import TASK
from tests.models.tasks.invented import IRON, OPENBOOKQA
from tests.models.tasks.writing import lines, write

NAIL = Choices("A magnet attracts", ("wood", "an iron nail", "water", "wool"), 1)
SHADE = Choices("Moss grows best in the", ("sun", "desert", "shade", "oven"), 2)


def test_each_split_is_read_from_its_own_file(tmp_path: Path) -> None:
    data = write(OPENBOOKQA.files, tmp_path)
    read = {split: TASK.load(data, split) for split in ("train", "val", "test")}
    assert read == {"train": [NAIL, SHADE], "val": [SHADE], "test": [NAIL]}


def test_an_answer_without_a_choice_is_named(tmp_path: Path) -> None:
    files = {**OPENBOOKQA.files, "openbookqa/dev.jsonl": lines({**IRON, "answerKey": "E"})}
    with pytest.raises(DataError, match=r"dev\.jsonl:1: answerKey is not one of D, C, B, A: 'E'"):
        TASK.load(write(files, tmp_path), "val")
