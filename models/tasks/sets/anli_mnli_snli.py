"""ANLI, MultiNLI and SNLI in one set, as Phang et al. 2020 train on them.

The three sets follow one another, with ANLI's rounds in order; a trainer shuffles. Pairs on which
the annotators did not agree are left out.
"""

from __future__ import annotations

from pathlib import Path

from models.tasks.example import Head, Sentences
from models.tasks.reading.files import json_lines
from models.tasks.reading.hub import TRAIN_AND_VALIDATION, on_hub
from models.tasks.reading.source import Layout, Source
from models.tasks.sets import mnli
from models.tasks.shapes.inference import LABELS, named, numbered
from models.tasks.task import Task

_ROUNDS = ("R1", "R2", "R3")

ANLI = Source(
    name="anli",
    layouts=(
        Layout(
            files={
                "train": tuple(f"anli/{each}/train.jsonl" for each in _ROUNDS),
                "val": tuple(f"anli/{each}/dev.jsonl" for each in _ROUNDS),
            },
            read=json_lines,
            make=named("context", "hypothesis", "label", names=("e", "n", "c")),
        ),
    ),
    hub=on_hub(
        "facebook/anli",
        {"train": "train_r1+train_r2+train_r3", "val": "dev_r1+dev_r2+dev_r3"},
        revision="8e4813d81f46d313dac7892e1c28076917cfcdf9",
    ),
    make=numbered,
)

SNLI = Source(
    name="snli",
    layouts=(
        Layout(
            files={"train": ("snli/snli_1.0_train.jsonl",), "val": ("snli/snli_1.0_dev.jsonl",)},
            read=json_lines,
            make=named("sentence1", "sentence2", "gold_label"),
        ),
    ),
    hub=on_hub(
        "stanfordnlp/snli",
        TRAIN_AND_VALIDATION,
        revision="cdb5c3d5eed6ead6e5a341c8e56e669bb666725b",
    ),
    make=numbered,
)


def load(data: Path | None, split: str) -> list[Sentences]:
    """Load ``train`` or ``val`` of all three.

    Raises:
        DataError: no such split; a file is missing or the hub out of reach; a row is wrong.
    """
    return [example for source in (ANLI, mnli.SOURCE, SNLI) for example in source.load(data, split)]


TASK = Task(
    name="anli-mnli-snli",
    title="Adversarial NLI, MultiNLI and SNLI",
    paper="Nie et al. 2020, arXiv 1910.14599; Williams et al. 2018, arXiv 1704.05426; "
    "Bowman et al. 2015, arXiv 1508.05326",
    licence="CC BY-NC 4.0 (ANLI), as of MultiNLI, CC BY-SA 4.0 (SNLI)",
    head=Head.CLASSIFICATION,
    labels=LABELS,
    hub=ANLI.hub_splits + mnli.SOURCE.hub_splits + SNLI.hub_splits,
    load=load,
)
