"""LogiQA 2.0 (Liu et al. 2023): 12,567 / 1,569 / 1,572 English questions of logical reasoning."""

from __future__ import annotations

from models.tasks.example import Choices, Head
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.row import DataRow
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes.choices import after, choices
from models.tasks.task import Task


def make(row: DataRow) -> Choices | None:
    """Make an example of a row of the published files or of the hub."""
    options = row.texts("options")
    label = row.index("answer", len(options))
    return choices(row.text("text"), after(row.text("question"), options), label)


SOURCE = Source(
    name="logiqa2",
    layouts=(
        Layout(
            files={
                "train": ("logiqa2/train.txt",),
                "val": ("logiqa2/dev.txt",),
                "test": ("logiqa2/test.txt",),
            },
            read=json_lines,
            make=make,
        ),
    ),
    hub=on_hub("jeggers/logiqa2_formatted", {**TRAIN_AND_VALIDATION, "test": "test"}),
)

TASK = Task(
    name="logiqa2",
    title="LogiQA 2.0",
    paper="Liu et al. 2023, IEEE/ACM TASLP, doi 10.1109/TASLP.2023.3293046",
    licence="CC BY-NC-SA 4.0",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
