"""e-CARE (Du et al. 2022, arXiv 2205.05849): 14,928 / 2,132 English causal questions."""

from __future__ import annotations

from pathlib import Path

from models.tasks.example import Example, Fields, example, read_rows

FIELDS = Fields(choice1="hypothesis1", choice2="hypothesis2", question="ask-for")


def load(data: Path, split: str) -> list[Example]:
    """Read ``train`` or ``val`` from ``ecare/{train,dev}.jsonl`` of a data directory.

    Of the published development set, 282 premises also stand in the training set; they are
    left out here, since they would measure memory.
    """
    if split == "train":
        return _read(data, "train")
    seen = {each.item.premise for each in _read(data, "train")}
    return [each for each in _read(data, "dev") if each.item.premise not in seen]


def _read(data: Path, name: str) -> list[Example]:
    return [example(row, FIELDS) for row in read_rows(data / "ecare" / f"{name}.jsonl")]
