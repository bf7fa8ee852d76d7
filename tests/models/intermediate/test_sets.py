"""Which part of each set is at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.intermediate.sets import _PARTS, BEST_OF_THE_PAPER, OF_THE_PAPER, STUDIED, sets_at_hand
from models.tasks.registry import TASKS
from tests.models.training import data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data.write(tmp_path_factory.mktemp("data"))


def test_every_set_is_a_task_that_recipes_can_name() -> None:
    assert STUDIED.keys() <= TASKS.keys()
    assert set(BEST_OF_THE_PAPER) < set(OF_THE_PAPER) < STUDIED.keys()


def test_a_training_part_is_told_from_a_part_of_the_development_set(folder: Path) -> None:
    found, _ = sets_at_hand(folder)
    assert list(found) == ["socialiqa", "mnli", "squad2"]
    assert {name: (part.where, part.what) for name, part in found.items()} == {
        "socialiqa": ("socialiqa/train.jsonl", "the training part"),
        "mnli": ("mnli/dev_matched.jsonl", "nine tenths of the development part"),
        "squad2": ("squad2/dev_half.json", "nine tenths of half of the development part"),
    }
    assert [name for name, part in found.items() if part.is_whole] == ["socialiqa"]
    rows = found["socialiqa"].items
    assert rows * 0.8 < found["mnli"].items < rows, "nine tenths of as many"


def test_every_file_that_is_no_training_part_is_known() -> None:
    """So that a new layout of a set is described as well."""
    files = {
        file
        for source in STUDIED.values()
        for layout in source.layouts[1:]
        for file in layout.files["train"]
    }
    assert files == _PARTS.keys()


def test_a_set_that_is_missing_is_named_without_the_folder_of_this_machine(folder: Path) -> None:
    _, missing = sets_at_hand(folder)
    assert missing.keys() == STUDIED.keys() - {"socialiqa", "mnli", "squad2"}
    assert missing["logiqa2"] == (
        "logiqa2/train.txt does not exist; name the data directory with --data"
    )
