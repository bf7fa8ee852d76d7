"""Cosmos QA (Huang et al. 2019): questions about what a short story does not say.

25,262 / 2,985 rows, already split into tokens. A directory that has only ``cosmosqa/valid.csv`` is
parted: its last tenth, in whole stories, is ``val``. 2,187 of its answers are ``None of the above
choices .``, and in 259 rows that answer is right; they stay, because they belong to the set.
"""

from __future__ import annotations

from models.tasks.example import Choices, Head
from models.tasks.reading.files import comma_separated
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.row import DataRow
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes.choices import after, choices
from models.tasks.task import Task

_ANSWERS = 4


def make(row: DataRow) -> Choices | None:
    """Make an example of a row of the published files or of the hub."""
    answers = [row.text(f"answer{index}") for index in range(_ANSWERS)]
    return choices(
        row.text("context"), after(row.text("question"), answers), row.index("label", _ANSWERS)
    )


SOURCE = Source(
    name="cosmosqa",
    layouts=(
        Layout(
            files={"train": ("cosmosqa/train.csv",), "val": ("cosmosqa/valid.csv",)},
            read=comma_separated,
            make=make,
        ),
        Layout(
            files={"train": ("cosmosqa/valid.csv",), "val": ("cosmosqa/valid.csv",)},
            read=comma_separated,
            make=make,
            parted_by="context",
        ),
    ),
    hub=on_hub(
        "Samsoup/cosmos_qa",
        TRAIN_AND_VALIDATION,
        revision="5511553160809abc4f9c11d12421ec0a9681ee75",
    ),
)

TASK = Task(
    name="cosmosqa",
    title="Cosmos QA",
    paper="Huang et al. 2019, arXiv 1909.00277",
    licence="CC BY 4.0",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
