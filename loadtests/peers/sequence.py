"""Writes a checkpoint as a classifier of sequences: ``python -m loadtests.peers.sequence``.

A model for multiple choice scores each row with a pooler (a linear layer and tanh) and a linear
layer with one output. transformers' classifier of sequences with one label is the same function
with other names of the weights, and it is what servers of rerankers load.

The checkpoint is that of ``PEER_CHECKPOINT``; the other lies in its folder ``sequence``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from safetensors.torch import load_file, save_file

from loadtests.peers.setup import checkpoint

T = TypeVar("T")

FOLDER = "sequence"
_WEIGHTS, _CONFIG = "model.safetensors", "config.json"
_POOLER, _ROW_HEAD = "roberta.pooler.dense.", "classifier."


def renamed(weights: Mapping[str, T]) -> dict[str, T]:
    """Return the weights of a model for multiple choice by the names of a classifier."""

    def name(old: str) -> str:
        if old.startswith(_POOLER):
            return "classifier.dense." + old.removeprefix(_POOLER)
        if old.startswith(_ROW_HEAD):
            return "classifier.out_proj." + old.removeprefix(_ROW_HEAD)
        return old

    return {name(old): weight for old, weight in weights.items()}


def write_sequence(directory: Path) -> Path:
    """Write the classifier of a checkpoint unless it is there, and return its folder."""
    out = directory / FOLDER
    if out.exists():
        return out
    half = directory / f"{FOLDER}.part"
    half.mkdir(exist_ok=True)
    for file in directory.iterdir():
        if file.is_file() and file.name not in (_WEIGHTS, _CONFIG):
            shutil.copy(file, half)
    config = json.loads((directory / _CONFIG).read_bytes())
    config |= {
        "architectures": ["XLMRobertaForSequenceClassification"],
        "id2label": {"0": "score"},
        "label2id": {"score": 0},
    }
    (half / _CONFIG).write_text(json.dumps(config, indent=2), encoding="utf-8")
    weights = renamed(load_file(directory / _WEIGHTS))
    save_file(weights, half / _WEIGHTS, metadata={"format": "pt"})
    half.rename(out)
    return out


def main() -> None:
    """Write the classifier of the checkpoint that the environment names."""
    write_sequence(checkpoint())


if __name__ == "__main__":
    main()
