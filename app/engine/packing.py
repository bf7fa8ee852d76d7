"""Packs rows of token ids end to end, and records where each row is.

A batch is one stream of tokens without padding between its rows. The rows are sorted by length, so
that rows of about equal length are neighbours and attention can process them as one dense block.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.engine.engine import ALIGNMENT
from app.engine.target import CPU

MERGE_BELOW = 1 << 10
"""Scores (of one head) that a group may waste on padding to take in shorter rows: about as many
as are computed in the time that another group costs in calls."""

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """Consecutive rows that attention takes as one block, padded to the longest of them."""

    rows: slice
    """Of the packed rows."""
    slots: slice
    """Of the padded view: ``rows x width`` places."""
    tokens: Ints
    """``[rows, width]``: the token of the stream in each place. A place of padding holds the
    first token of its row, which the mask hides."""
    padding: Flags | None
    """``[rows, width]``: which places are padding; None if there is no padding."""
    mask: Tensor | None
    """``[rows, 1, width]``: -inf at padding and 0 elsewhere; None where nothing is padded."""

    @property
    def size(self) -> int:
        return len(self.tokens)

    @property
    def width(self) -> int:
        return len(self.tokens[0])


@dataclass(frozen=True)
class PackedRows:
    """A batch as one stream of tokens, with a tail of padding up to the alignment."""

    lengths: Ints
    """``[rows]``"""
    device: torch.device
    ids: Tensor
    """``[tokens]``"""
    positions: Tensor
    """``[tokens]``"""
    firsts: Tensor
    """``[rows]`` and a tail up to the alignment: the place of each row's ``<s>``."""
    groups: tuple[Group, ...]
    to_slots: Tensor
    """``[slots]``: the token of the stream in each place of the padded view."""


def pack(
    rows: Sequence[Sequence[int]],
    padding_id: int,
    merge_below: int = MERGE_BELOW,
    device: torch.device = CPU,
) -> PackedRows:
    """Pack rows, which come shortest first and are not empty.

    Args:
        rows: token ids.
        padding_id: the model's.
        merge_below: see ``MERGE_BELOW``.
        device: where the tensors go; the copies are queued, not waited for.
    """
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    starts = np.cumsum(lengths) - lengths
    tokens = int(lengths.sum())
    ids = np.full(aligned(tokens), padding_id, dtype=np.int64)
    ids[:tokens] = np.fromiter(itertools.chain.from_iterable(rows), dtype=np.int64, count=tokens)
    firsts = np.zeros(aligned(len(rows)), dtype=np.int64)
    firsts[: len(rows)] = starts
    groups = _groups(starts, lengths, merge_below, device)
    return PackedRows(
        lengths=lengths,
        device=device,
        ids=place(ids, device),
        positions=place(positions_of(ids, starts, lengths, padding_id), device),
        firsts=place(firsts, device),
        groups=groups,
        to_slots=place(np.concatenate([group.tokens.ravel() for group in groups]), device),
    )


def aligned(count: int) -> int:
    """Round up to the alignment."""
    return -(-count // ALIGNMENT) * ALIGNMENT


def place(array: NDArray[np.generic], device: torch.device) -> Tensor:
    """Put an array on the device; on CUDA from pinned memory, without waiting for it."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def positions_of(ids: Ints, starts: Ints, lengths: Ints, padding_id: int) -> Ints:
    """Number the tokens of each row from ``padding_id + 1``, as transformers' XLM-R does.

    A padding id inside a text (XLM-R's pieces hold a literal ``<pad>``) is not counted and
    stands at ``padding_id`` itself.
    """
    counted = (ids != padding_id).astype(np.int64)
    running = np.cumsum(counted)
    before = running[starts] - counted[starts]
    positions = np.full(len(ids), padding_id, dtype=np.int64)
    tokens = int(lengths.sum())
    within = running[:tokens] - np.repeat(before, lengths)
    positions[:tokens] += within * counted[:tokens]
    return positions


def _groups(
    starts: Ints, lengths: Ints, merge_below: int, device: torch.device
) -> tuple[Group, ...]:
    groups: list[Group] = []
    slot = 0
    for rows in _runs(lengths, merge_below):
        own = lengths[rows, None]
        within = np.arange(own[-1, 0])
        padding = within >= own
        tokens = starts[rows, None] + np.where(padding, 0, within)
        slots = slice(slot, slot + tokens.size)
        if own[0] == own[-1]:
            groups.append(Group(rows, slots, tokens, None, None))
        else:
            mask = np.where(padding, np.float32(-np.inf), np.float32(0))[:, None]
            groups.append(Group(rows, slots, tokens, padding, place(mask, device)))
        slot = slots.stop
    return tuple(groups)


def _runs(lengths: Ints, merge_below: int) -> list[slice]:
    """Part the rows into groups, from the longest down; see ``MERGE_BELOW``."""
    runs: list[slice] = []
    stop = len(lengths)
    while stop:
        start, waste = stop - 1, 0
        while start:
            waste += int(lengths[stop - 1]) ** 2 - int(lengths[start - 1]) ** 2
            if waste > merge_below:
                break
            start -= 1
        runs.append(slice(start, stop))
        stop = start
    return runs[::-1]
