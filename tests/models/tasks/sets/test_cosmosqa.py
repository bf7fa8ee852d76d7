"""Cosmos QA: the question belongs to the answers, and one file alone is parted by its stories."""

from __future__ import annotations

from pathlib import Path

from models.tasks.example import Choices
from models.tasks.sets.cosmosqa import TASK
from tests.models.tasks.invented import COSMOSQA, STORY
from tests.models.tasks.writing import Fields, write

ANSWERS = (
    "Why did they drive ? None of the above choices .",
    "Why did they drive ? To arrive early , he said .",
    "Why did they drive ? To buy a baby .",
    "Why did they drive ? To sleep .",
)


def test_the_question_stands_before_each_answer_and_none_of_the_above_stays(
    tmp_path: Path,
) -> None:
    assert TASK.load(write(COSMOSQA.files, tmp_path), "train") == [
        Choices("We drove all night , and\nthe baby slept .", ANSWERS, label) for label in (1, 0)
    ]


def test_one_file_alone_keeps_a_story_in_one_part(tmp_path: Path) -> None:
    rows = [{**STORY, "context": f"Story {n // 2} .", "label": 1} for n in range(40)]
    data = write({"cosmosqa/valid.csv": csv(rows)}, tmp_path)
    train, val = (
        {example.context for example in TASK.load(data, split) if isinstance(example, Choices)}
        for split in ("train", "val")
    )
    assert (len(train), len(val)) == (18, 2)
    assert not train & val


def csv(rows: list[Fields]) -> str:
    """Write rows whose cells hold no quotation marks."""
    header = [f'"{name}"' for name in rows[0]]
    return "\n".join([",".join(header), *(",".join(f'"{v}"' for v in r.values()) for r in rows)])
