"""CommonsenseQA (Talmor et al. 2019): 9,741 / 1,221 questions with five choices.

The published test set has no labels and is not read. In 42 and 6 rows the right choice is also
among the wrong ones; these rows are left out.
"""

from __future__ import annotations

from models.tasks.example import Head
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes import lettered
from models.tasks.task import Task

SOURCE = Source(
    name="commonsenseqa",
    layouts=(
        Layout(
            files={
                "train": ("commonsenseqa/train_rand_split.jsonl",),
                "val": ("commonsenseqa/dev_rand_split.jsonl",),
            },
            read=json_lines,
            make=lettered.make,
        ),
    ),
    hub=on_hub(
        "tau/commonsense_qa",
        TRAIN_AND_VALIDATION,
        revision="94630fe30dad47192a8546eb75f094926d47e155",
    ),
    make=lettered.makes_of_hub("question"),
)

TASK = Task(
    name="commonsenseqa",
    title="CommonsenseQA",
    paper="Talmor et al. 2019, arXiv 1811.00937",
    licence="MIT",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=SOURCE.load,
)
