"""Which files a split is read from, and what is told where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.tasks.registry import TASKS
from tests.models.tasks.invented import ENDINGS, HELLASWAG
from tests.models.tasks.writing import lines, write

PARTED = "".join(
    lines({"ctx": f"Scene {number // 2}.", "endings": ENDINGS, "label": 1}) + "\n"
    for number in range(40)
)


def test_one_file_alone_is_parted_by_its_contexts(tmp_path: Path) -> None:
    data = write({"hellaswag/val.jsonl": PARTED}, tmp_path)
    train = TASKS["hellaswag"].load(data, "train")
    val = TASKS["hellaswag"].load(data, "val")
    assert (len(train), len(val)) == (36, 4)


def test_upstream_s_own_files_are_preferred(tmp_path: Path) -> None:
    data = write({**HELLASWAG.files, "hellaswag/val.jsonl": PARTED}, tmp_path)
    assert len(TASKS["hellaswag"].load(data, "train")) == 2
    assert len(TASKS["hellaswag"].load(data, "val")) == 40


def test_an_empty_directory_is_told_the_file_that_is_preferred(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"hellaswag/train\.jsonl does not exist.*--data"):
        TASKS["hellaswag"].load(tmp_path, "train")


@pytest.mark.parametrize("name", TASKS)
def test_an_unknown_split_lists_those_there_are(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"no split 'dev'; it has train, val"):
        TASKS[name].load(tmp_path, "dev")


@pytest.mark.parametrize("name", TASKS)
def test_a_missing_set_is_told_with_the_way_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"does not exist; name the data directory with --data"):
        TASKS[name].load(tmp_path, "val")
