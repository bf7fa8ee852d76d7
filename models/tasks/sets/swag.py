"""SWAG (Zellers et al. 2018): what happens next in the caption of a film.

73,546 / 20,006 rows. A directory that has only the sample ``swag/train_10k.jsonl`` is parted: its
last tenth, in whole contexts, is ``val``.
"""

from __future__ import annotations

from models.tasks.example import Choices, Head
from models.tasks.reading.files import comma_separated, json_lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.row import DataRow
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes.choices import choices
from models.tasks.task import Task

_ENDINGS = 4


def make(row: DataRow) -> Choices | None:
    """Make an example of a row of the published files or of the hub."""
    endings = [row.text(f"ending{index}") for index in range(_ENDINGS)]
    return choices(row.text("startphrase"), endings, row.index("label", _ENDINGS))


def make_of_sample(row: DataRow) -> Choices | None:
    """Make an example of a row of the sample, which has other names for the fields."""
    options = row.inner("options")
    endings = [options.text(str(index)) for index in range(_ENDINGS)]
    return choices(row.text("sent"), endings, row.index("label", _ENDINGS))


SOURCE = Source(
    name="swag",
    layouts=(
        Layout(
            files={"train": ("swag/train.csv",), "val": ("swag/val.csv",)},
            read=comma_separated,
            make=make,
        ),
        Layout(
            files={"train": ("swag/train_10k.jsonl",), "val": ("swag/train_10k.jsonl",)},
            read=json_lines,
            make=make_of_sample,
            parted_by="sent",
        ),
    ),
    hub=on_hub("allenai/swag", TRAIN_AND_VALIDATION, config="regular"),
)

TASK = Task(
    name="swag",
    title="SWAG: situations with adversarial generations",
    paper="Zellers et al. 2018, arXiv 1808.05326",
    licence="MIT",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
