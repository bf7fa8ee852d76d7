"""The tensors of safetensors files, read into memory that is this process's own.

By default safetensors maps a file into memory. Then whoever writes into the file changes the
answers of a running service, and whoever cuts it off kills the process with SIGBUS. Read files
are copies, and what a file held at the start is what is served.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from app.errors import StartError
from app.weights.files import refuse_lfs_pointer

SAVED_FROM_WRAPPER = (
    "it was saved from a compiled or distributed model; save the unwrapped one with save_pretrained"
)
"""The usual reason for names that fit nowhere, as an error states it."""

_MOST_NAMES = 4
"""Weights that an error names."""


def read_tensors(paths: Iterable[Path]) -> dict[str, Tensor]:
    """Read all tensors of some safetensors files, by name.

    Raises:
        StartError: a file is damaged, is no safetensors file, or holds NaN or infinity.
        OSError: a file cannot be read.
    """
    tensors: dict[str, Tensor] = {}
    for path in paths:
        tensors |= _read(path)
    return tensors


def name_some(keys: Iterable[str]) -> str:
    """Name the first few weights, and say how many more there are."""
    names = sorted(keys)
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _read(path: Path) -> dict[str, Tensor]:
    refuse_lfs_pointer(path)
    try:
        tensors = load_file(path, backend="pread")
    except SafetensorError as error:
        raise StartError(
            f"{path} is damaged, or no safetensors file: {error}. Fetch or copy it again"
        ) from error
    if broken := [name for name, tensor in tensors.items() if not _is_finite(tensor)]:
        raise StartError(f"{path} holds NaN or infinity in {name_some(broken)}")
    return tensors


def _is_finite(tensor: Tensor) -> bool:
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    # Unlike `isfinite().all()` this makes no second tensor; a NaN is both least and greatest.
    least, greatest = torch.aminmax(tensor)
    return bool(least.isfinite() and greatest.isfinite())
