"""Social IQA: the files count answers from 0, and the hub from 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.tasks.example import Choices
from models.tasks.reading.hub import HubSplit
from models.tasks.reading.row import DataRow
from models.tasks.sets.socialiqa import TASK
from tests.models.tasks.invented import LOST, SOCIALIQA
from tests.models.tasks.writing import lines, write

FEELINGS = tuple(f"How does Ada feel? {each}" for each in ("relieved", "hungry", "cross"))
WISHES = tuple(f"What will Bo do next? {each}" for each in ("relieved", "hungry", "cross"))
EXAMPLES = [Choices("Ada found her key.", FEELINGS, 0), Choices("Bo missed the tram.", WISHES, 2)]


def test_the_files_count_from_0(tmp_path: Path) -> None:
    assert TASK.load(write(SOCIALIQA.files, tmp_path), "train") == EXAMPLES


def test_the_hub_counts_from_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(split: HubSplit) -> Iterator[DataRow]:
        for fields in SOCIALIQA.hub[split.id, split.split]:
            yield DataRow("row", fields)

    monkeypatch.setattr(HubSplit, "rows", rows)
    assert TASK.load(None, "train") == EXAMPLES
    assert TASK.load(None, "val") == EXAMPLES[1:]


def test_a_question_that_stands_twice_with_another_answer_stays(tmp_path: Path) -> None:
    both = lines({**LOST, "label": 0}, {**LOST, "label": 1})
    data = write({**SOCIALIQA.files, "socialiqa/train.jsonl": both}, tmp_path)
    assert TASK.load(data, "train") == [
        Choices("Ada found her key.", FEELINGS, label) for label in (0, 1)
    ]
