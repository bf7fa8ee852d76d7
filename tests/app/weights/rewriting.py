"""Changes to the files of a model, as accidents and other programs make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from torch import Tensor

from app.errors import StartError
from app.weights.checkpoint import locate
from app.weights.loading import load_model

Tensors = dict[str, Tensor]
Change = Callable[[Tensors], Tensors]

UNWRAP = (
    "it was saved from a compiled or distributed model; save the unwrapped one with save_pretrained"
)
"""What every message says of names that fit nowhere."""


def rewrite(path: Path, change: Change) -> None:
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def configure(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}), encoding="utf-8")


def refusal(directory: Path) -> str:
    """Return what is said instead of loading a model."""
    with pytest.raises(StartError) as stopped:
        load_model(locate(str(directory), Path()))
    message = str(stopped.value)
    assert "\n" not in message
    return message


def renamed(old: str, new: str) -> Change:
    return lambda tensors: {name.replace(old, new): each for name, each in tensors.items()}


def without(*names: str) -> Change:
    return lambda tensors: {name: each for name, each in tensors.items() if name not in names}


def having(**more: Tensor) -> Change:
    return lambda tensors: {**tensors, **{name.replace("__", "."): t for name, t in more.items()}}


def with_value(name: str, value: float) -> Change:
    def change(tensors: Tensors) -> Tensors:
        tensors[name][0, 0] = value
        return tensors

    return change
