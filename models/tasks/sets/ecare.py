"""e-CARE (Du et al. 2022): 14,928 / 2,132 English causal questions.

282 premises of the published development set are also in the training set. They are left out,
because they would measure memory.
"""

from __future__ import annotations

import logging
from pathlib import Path

from models.tasks.example import Example, Head
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.source import Layout, Source
from models.tasks.shapes.causal import causal
from models.tasks.task import Task

log = logging.getLogger(__name__)

SOURCE = Source(
    name="ecare",
    layouts=(
        Layout(
            files={"train": ("ecare/train.jsonl",), "val": ("ecare/dev.jsonl",)},
            read=json_lines,
            make=causal(choice1="hypothesis1", choice2="hypothesis2", question="ask-for"),
        ),
    ),
    # A reupload, with the names of COPA's fields.
    hub=on_hub(
        "12ml/e-CARE", TRAIN_AND_VALIDATION, revision="d62d01b67775498eeff5dcd7ff8dc85f63e9ef5c"
    ),
    make=causal(),
)


def load(data: Path | None, split: str) -> list[Example]:
    """Load ``train`` or ``val``.

    Raises:
        DataError: no such split; a file is missing or the hub out of reach; a row is wrong.
    """
    examples = SOURCE.load(data, split)
    if split == "train":
        return examples
    seen = {each.item.premise for each in SOURCE.load(data, "train")}
    new = [each for each in examples if each.item.premise not in seen]
    log.info(
        "ecare: %d of %d are left out, as in training", len(examples) - len(new), len(examples)
    )
    return new


TASK = Task(
    name="ecare",
    title="e-CARE: explainable causal reasoning",
    paper="Du et al. 2022, arXiv 2205.05849",
    licence="MIT",
    head=Head.MULTIPLE_CHOICE,
    hub=SOURCE.hub_splits,
    load=load,
)
