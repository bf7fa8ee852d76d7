"""OpenBookQA (Mihaylov et al. 2018): 4,957 / 500 / 500 questions of elementary science.

The model does not get the facts of the open book. 12 of the development questions are also in the
training set, with other choices; they stay.
"""

from __future__ import annotations

from models.tasks.example import Head
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes import lettered
from models.tasks.task import Task

SOURCE = Source(
    name="openbookqa",
    layouts=(
        Layout(
            files={
                "train": ("openbookqa/train.jsonl",),
                "val": ("openbookqa/dev.jsonl",),
                "test": ("openbookqa/test.jsonl",),
            },
            read=json_lines,
            make=lettered.make,
        ),
    ),
    hub=on_hub(
        "allenai/openbookqa",
        {**TRAIN_AND_VALIDATION, "test": "test"},
        config="main",
        revision="388097ea7776314e93a529163e0fea805b8a6454",
    ),
    make=lettered.makes_of_hub("question_stem"),
)

TASK = Task(
    name="openbookqa",
    title="OpenBookQA",
    paper="Mihaylov et al. 2018, arXiv 1809.02789",
    licence="Apache-2.0",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
