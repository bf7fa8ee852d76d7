"""PIQA, whose labels are in a file of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.tasks.sets.piqa import SOURCE, TASK
from tests.models.tasks.invented import GLUE, PIQA
from tests.models.tasks.writing import lines, write


@pytest.mark.parametrize("labels", ["0\n", "0\n1\n1\n"])
def test_files_of_different_lengths_are_refused(tmp_path: Path, labels: str) -> None:
    data = write({**PIQA.files, "piqa/train-labels.lst": labels}, tmp_path)
    with pytest.raises(DataError, match=r"train\.jsonl and .*train-labels\.lst have different"):
        TASK.load(data, "train")


def test_empty_lines_at_the_end_of_the_labels_are_no_labels(tmp_path: Path) -> None:
    data = write({**PIQA.files, "piqa/train-labels.lst": "0\r\n1\r\n\r\n\n"}, tmp_path)
    assert [each.label for each in SOURCE.load(data, "train")] == [0, 1]


def test_the_row_that_has_no_label_is_named(tmp_path: Path) -> None:
    data = write({**PIQA.files, "piqa/train-labels.lst": "0\n"}, tmp_path)
    with pytest.raises(DataError, match=r"train\.jsonl:2 has no label"):
        TASK.load(data, "train")
    data = write({**PIQA.files, "piqa/train-labels.lst": "0\n1\n1"}, tmp_path)
    with pytest.raises(DataError, match=r"train-labels\.lst:3 has no row"):
        TASK.load(data, "train")


def test_a_label_that_is_none_is_named_with_its_row(tmp_path: Path) -> None:
    data = write({**PIQA.files, "piqa/train-labels.lst": "0\n2\n"}, tmp_path)
    with pytest.raises(DataError, match=r"train\.jsonl:2: label is not one of 0 to 1: 2"):
        TASK.load(data, "train")


def test_the_publishers_smaller_training_file_will_do(tmp_path: Path) -> None:
    smaller = {name: text for name, text in PIQA.files.items() if "valid" in name}
    smaller |= {"piqa/train_ih.jsonl": lines(GLUE), "piqa/train_ih-labels.lst": "0"}
    assert len(TASK.load(write(smaller, tmp_path), "train")) == 1
