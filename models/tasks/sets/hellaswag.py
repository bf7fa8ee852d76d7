"""HellaSwag (Zellers et al. 2019): what happens next, in captions and in how-to texts.

39,905 / 10,042 rows. A directory that has only ``hellaswag/val.jsonl`` is parted: its last tenth,
in whole contexts, is ``val``. The how-to texts have marks such as ``[header]`` and ``[title]``.
They are removed as in the literature; texts without marks do not change.
"""

from __future__ import annotations

import re

from models.tasks.example import Choices, Head
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.row import DataRow
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes.choices import choices
from models.tasks.task import Task

_ENDINGS = 4


def make(row: DataRow) -> Choices | None:
    """Make an example of a row of the published files or of the hub."""
    endings = [plain(ending) for ending in row.texts("endings", _ENDINGS)]
    return choices(plain(row.text("ctx")), endings, row.index("label", count=_ENDINGS))


def plain(text: str) -> str:
    """Take out the marks of the how-to site."""
    text = re.sub(r"\[.*?\]", "", text.replace(" [title]", ". "))
    return re.sub(r" {2,}", " ", text).strip()


SOURCE = Source(
    name="hellaswag",
    layouts=(
        Layout(
            files={"train": ("hellaswag/train.jsonl",), "val": ("hellaswag/val.jsonl",)},
            read=json_lines,
            make=make,
        ),
        Layout(
            files={"train": ("hellaswag/val.jsonl",), "val": ("hellaswag/val.jsonl",)},
            read=json_lines,
            make=make,
            parted_by="ctx",
        ),
    ),
    hub=on_hub(
        "Rowan/hellaswag",
        TRAIN_AND_VALIDATION,
        revision="218ec52e09a7e7462a5400043bb9a69a41d06b76",
    ),
)

TASK = Task(
    name="hellaswag",
    title="HellaSwag",
    paper="Zellers et al. 2019, arXiv 1905.07830",
    licence="MIT",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
