"""COPA (Roemmele, Bejan and Gordon 2011): 400 / 100 / 500 English items.

1-400 are ``train``, 401-500 ``val``, 501-1000 ``test``; the test items never choose a checkpoint.
SuperGLUE, the copy on the hub, withholds the test labels; the hub's Balanced COPA has them.
"""

from __future__ import annotations

from pathlib import Path

from models.tasks.example import Example, Head
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes.causal import causal
from models.tasks.task import Task

SPLITS = ("train", "val", "test")

FIRST = {"train": 1, "val": 401, "test": 501}
"""The number of each split's first item; XCOPA translates in their order."""
COUNT = {"train": 400, "val": 100, "test": 500}

CHANCE = 0.5
"""The accuracy of guessing: an item has two choices."""

BALANCED_ON_HUB = "pkavumba/balanced-copa"
BALANCED_REVISION = "813bd03cd6e07d9bd8d7333896ad5d40abb95ea9"

make = causal()

SOURCE = Source(
    name="copa",
    layouts=(
        Layout(
            files={split: (f"copa/{split}.jsonl",) for split in SPLITS},
            read=json_lines,
            make=make,
        ),
    ),
    hub=on_hub(
        "aps/super_glue",
        TRAIN_AND_VALIDATION,
        config="copa",
        revision="3de24cf8022e94f4ee4b9d55a6f539891524d646",
    )
    | on_hub(BALANCED_ON_HUB, {"test": "test"}, revision=BALANCED_REVISION),
)

load = SOURCE.load


def load_numbered(data: Path | None, split: str) -> dict[int, Example]:
    """Load a split by COPA's own numbers of its items, in their order.

    Raises:
        DataError: as ``load``; or an item is missing among the others, or is there twice.
    """
    return SOURCE.numbered(data, split, FIRST.get(split, 0), COUNT.get(split, 0))


TASK = Task(
    name="copa",
    title="Choice of Plausible Alternatives",
    paper="Roemmele, Bejan and Gordon 2011, AAAI Spring Symposium",
    licence="BSD-2-Clause",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=load,
)
