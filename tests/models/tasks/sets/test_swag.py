"""SWAG: upstream's files, and the sample that names the fields otherwise."""

from __future__ import annotations

from pathlib import Path

from models.tasks.example import Choices
from models.tasks.sets.swag import TASK
from tests.models.tasks.invented import SWAG
from tests.models.tasks.writing import lines, write

ENDINGS = ("steps out, slowly.", 'says "no".', "melts.", "barks.")


def sample(number: int) -> dict[str, object]:
    """A row of the sample; its options come in an order of their own."""
    options = {str(index): ENDINGS[index] for index in (2, 0, 3, 1)}
    return {"sent": f"Scene {number // 2}. He", "options": options, "label": 1}


def test_an_ending_goes_on_where_the_context_breaks_off(tmp_path: Path) -> None:
    assert TASK.load(write(SWAG.files, tmp_path), "train") == [
        Choices("He opens the door. He", ENDINGS, 0),
        Choices("The music starts. Two people", ENDINGS, 1),
    ]


def test_the_sample_alone_is_read_with_its_own_names_and_parted_by_its_contexts(
    tmp_path: Path,
) -> None:
    data = write({"swag/train_10k.jsonl": lines(*map(sample, range(40)))}, tmp_path)
    parts = [TASK.load(data, split) for split in ("train", "val")]
    assert parts[0][0] == Choices("Scene 0. He", ENDINGS, 1)
    assert [len(part) for part in parts] == [36, 4]
    train, val = ({each.context for each in part if isinstance(each, Choices)} for part in parts)
    assert not train & val
