"""Social IQA (Sap et al. 2019): questions about what people feel, want and do.

33,410 / 1,954 rows. Five questions of each split occur twice with different answers. They stay,
because they are the annotators' disagreement.
"""

from __future__ import annotations

from collections.abc import Callable

from models.tasks.example import Choices, Head
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.row import DataRow
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes.choices import after, choices
from models.tasks.task import Task

_ANSWERS = ("answerA", "answerB", "answerC")


def makes(first_label: int) -> Callable[[DataRow], Choices | None]:
    """Return what makes an example of a row; the hub counts answers from 1, the files from 0."""

    def make(row: DataRow) -> Choices | None:
        answers = [row.text(name) for name in _ANSWERS]
        label = row.index("label", len(_ANSWERS), first=first_label)
        return choices(row.text("context"), after(row.text("question"), answers), label)

    return make


SOURCE = Source(
    name="socialiqa",
    layouts=(
        Layout(
            files={"train": ("socialiqa/train.jsonl",), "val": ("socialiqa/dev.jsonl",)},
            read=json_lines,
            make=makes(first_label=0),
        ),
    ),
    hub=on_hub(
        "lighteval/siqa",
        TRAIN_AND_VALIDATION,
        revision="54c6a1f8cb6daf4f5abf24a601852612fb35eb25",
    ),
    make=makes(first_label=1),
)

TASK = Task(
    name="socialiqa",
    title="Social IQA",
    paper="Sap et al. 2019, arXiv 1904.09728",
    licence="CC BY 4.0 (not confirmed)",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
