"""PIQA (Bisk et al. 2020): which of two ways reaches a goal in the physical world.

The published set has 16,113 / 1,838 rows. A directory with ``train_ih.jsonl`` has the 14,113 of
them that the publishers kept for training. The labels are lines of a separate file. 189 of the
validation goals are also in the training set, most of them short and general; one whole row is
there too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from models.tasks.example import Choices, DataError, Head
from models.tasks.reading.files import json_lines, lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.row import DataRow
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes.choices import choices
from models.tasks.task import Task


def make(row: DataRow) -> Choices | None:
    """Make an example of a row of the published files, with its label, or of the hub."""
    solutions = [row.text("sol1"), row.text("sol2")]
    return choices(row.text("goal"), solutions, row.index("label", len(solutions)))


def read(path: Path) -> Iterator[DataRow]:
    """Read the rows of ``<name>.jsonl`` with the labels of ``<name>-labels.lst``.

    Raises:
        DataError: one of the files is missing, is malformed, or has more lines than the other.
    """
    labels = path.with_name(f"{path.stem}-labels.lst")
    found = [(where, line.strip()) for where, line in lines(labels)]
    while found and not found[-1][1]:
        found.pop()
    for row, line in zip_longest(json_lines(path), found):
        if row is None or line is None:
            alone = f"{line[0]} has no row" if line else f"{row.where} has no label" if row else ""
            raise DataError(f"{path} and {labels} have different numbers of lines: {alone}")
        yield DataRow(row.where, {**row.fields, "label": line[1]})


SOURCE = Source(
    name="piqa",
    layouts=(
        Layout(
            files={"train": ("piqa/train.jsonl",), "val": ("piqa/valid.jsonl",)},
            read=read,
            make=make,
        ),
        Layout(
            files={"train": ("piqa/train_ih.jsonl",), "val": ("piqa/valid.jsonl",)},
            read=read,
            make=make,
        ),
    ),
    hub=on_hub(
        "baber/piqa", TRAIN_AND_VALIDATION, revision="142f6d7367fd9877f0fb3b5734ea6a545f54cdd1"
    ),
)

TASK = Task(
    name="piqa",
    title="PIQA: physical interaction question answering",
    paper="Bisk et al. 2020, arXiv 1911.11641",
    licence="AFL-3.0",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
