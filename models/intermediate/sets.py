"""The intermediate sets of the study, and which part of each is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.tasks.example import DataError
from models.tasks.reading.source import Source
from models.tasks.registry import find
from models.tasks.sets import (
    commonsenseqa,
    cosmosqa,
    ecare,
    hellaswag,
    logiqa2,
    mnli,
    openbookqa,
    piqa,
    socialiqa,
    squad,
    swag,
)

STUDIED: Mapping[str, Source[Any]] = {
    source.name: source
    for source in (
        ecare.SOURCE,
        socialiqa.SOURCE,
        commonsenseqa.SOURCE,
        swag.SOURCE,
        hellaswag.SOURCE,
        cosmosqa.SOURCE,
        piqa.SOURCE,
        openbookqa.SOURCE,
        mnli.SOURCE,
        squad.SQUAD2_SOURCE,
        logiqa2.SOURCE,
    )
}
"""By name, in the order in which they are run."""

OF_THE_PAPER = ("commonsenseqa", "hellaswag", "cosmosqa", "mnli", "squad2")
"""Those that are among the nine of Phang et al. (2020)."""

BEST_OF_THE_PAPER = ("mnli", "squad2", "hellaswag")
"""By its abstract, which says SQuAD and means versions 1.1 and 2.0."""


_WHOLE = "the training part"
_PARTS = {
    "swag/train_10k.jsonl": "a sample of the training part",
    "hellaswag/val.jsonl": "the development part",
    "cosmosqa/valid.csv": "the development part",
    "piqa/train_ih.jsonl": "most of the training part",
    "mnli/dev_matched.jsonl": "the development part",
    "squad2/dev_half.json": "half of the development part",
}
"""What a file holds of its set, if not the training part."""


@dataclass(frozen=True)
class SetPart:
    """What of a set is trained on."""

    title: str
    where: str
    """The files, or the hub's name of it."""
    what: str
    """What it is of the set that was published."""
    items: int
    licence: str

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole training part."""
        return self.what == _WHOLE


def sets_at_hand(data: Path | None) -> tuple[dict[str, SetPart], dict[str, str]]:
    """Read every set of the study.

    Args:
        data: the data directory; None for the hub.

    Returns:
        The parts of those that can be read, and why the others cannot be, by name.
    """
    found: dict[str, SetPart] = {}
    missing: dict[str, str] = {}
    for name in STUDIED:
        try:
            found[name] = _part(name, data)
        except DataError as error:
            missing[name] = _without_folder(str(error), data)
    return found, missing


def _part(name: str, data: Path | None) -> SetPart:
    task, source = find(name), STUDIED[name]
    items = len(task.load(data, "train"))
    where = _without_folder(source.place(data, "train"), data)
    # Where one file is all there is, its last tenth is kept for validation.
    parted = where == _without_folder(source.place(data, "val"), data)
    what = _PARTS.get(where, _WHOLE)
    return SetPart(
        task.title, where, f"nine tenths of {what}" if parted else what, items, task.licence
    )


def _without_folder(text: str, data: Path | None) -> str:
    """Leave out where the reader's own copy lies, which says nothing to others."""
    return text if data is None else text.replace(f"{data}/", "")
