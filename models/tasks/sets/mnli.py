"""MultiNLI (Williams et al. 2018): inference across genres, 392,702 / 9,815 (matched) pairs.

A directory that has only ``mnli/dev_matched.jsonl`` is parted: its last tenth, in whole premises,
is ``val``. Some published premises have HTML entities (``AT&amp;T``); they stay.
"""

from __future__ import annotations

from models.tasks.example import Head
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import on_hub
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes.inference import LABELS, named, numbered
from models.tasks.task import Task

SOURCE = Source(
    name="mnli",
    layouts=(
        Layout(
            files={
                "train": ("mnli/multinli_1.0_train.jsonl",),
                "val": ("mnli/multinli_1.0_dev_matched.jsonl",),
            },
            read=json_lines,
            make=named("sentence1", "sentence2", "gold_label"),
        ),
        Layout(
            files={"train": ("mnli/dev_matched.jsonl",), "val": ("mnli/dev_matched.jsonl",)},
            read=json_lines,
            make=named("premise", "hypothesis", "label"),
            parted_by="premise",
        ),
    ),
    hub=on_hub(
        "nyu-mll/multi_nli",
        {"train": "train", "val": "validation_matched"},
        revision="da70db2af9d09693783c3320c4249840212ee221",
    ),
    make=numbered,
)

TASK = Task(
    name="mnli",
    title="MultiNLI",
    paper="Williams et al. 2018, arXiv 1704.05426",
    licence="OANC, and CC BY or CC BY-SA for the fiction",
    head=Head.CLASSIFICATION,
    labels=LABELS,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
