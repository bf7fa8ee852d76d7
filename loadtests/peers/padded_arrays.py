"""Rows padded to the longest, as arrays: what the runtimes other than torch take."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IDS, MASK, LOGITS = "input_ids", "attention_mask", "logits"

PaddedRows = dict[str, NDArray[np.int64]]
"""``input_ids`` and ``attention_mask``, of shape [rows, longest]."""


def padded(rows: Sequence[Sequence[int]], padding: int) -> PaddedRows:
    """Return rows of token ids as a rectangle.

    Args:
        rows: at least one.
        padding: the id that fills the shorter ones up.
    """
    longest = max(len(row) for row in rows)
    ids = np.full((len(rows), longest), padding, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return {IDS: ids, MASK: mask}


def padding_id(checkpoint: Path) -> int:
    """Return the padding id of a checkpoint."""
    return int(json.loads((checkpoint / "config.json").read_bytes())["pad_token_id"])
