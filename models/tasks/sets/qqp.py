"""Quora Question Pairs, as GLUE publishes it (Wang et al. 2019): do two questions ask the same?

363,846 / 40,430 pairs. Questions with a line break split a few rows of the published file in two.
These pieces, and pairs with an empty question, are left out.
"""

from __future__ import annotations

from collections.abc import Callable

from models.tasks.example import Head, Sentences
from models.tasks.reading.files import tab_separated
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.row import DataRow
from models.tasks.reading.source import Layout, Source
from models.tasks.task import Task

LABELS = ("not duplicate", "duplicate")


def makes(label: str) -> Callable[[DataRow], Sentences | None]:
    """Return a function that makes an example of a row; the sources name the label differently."""

    def make(row: DataRow) -> Sentences | None:
        if any(row.blank(name) for name in ("question1", "question2", label)):
            return None
        same = row.index(label, len(LABELS))
        return Sentences(row.text("question1"), row.text("question2"), same)

    return make


SOURCE = Source(
    name="qqp",
    layouts=(
        Layout(
            files={"train": ("qqp/train.tsv",), "val": ("qqp/dev.tsv",)},
            read=tab_separated,
            make=makes("is_duplicate"),
        ),
    ),
    hub=on_hub(
        "nyu-mll/glue",
        TRAIN_AND_VALIDATION,
        config="qqp",
        revision="bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
    ),
    make=makes("label"),
)

TASK = Task(
    name="qqp",
    title="Quora Question Pairs",
    paper="Iyer, Dandekar and Csernai 2017; in GLUE, Wang et al. 2019, arXiv 1804.07461",
    licence="Quora's terms of service, non-commercial use",
    head=Head.CLASSIFICATION,
    labels=LABELS,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
