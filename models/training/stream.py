"""Batches with almost no padding: rows end to end, and attention that keeps them apart.

Rows are sorted by length and divided into groups of about equal length. A row is padded only to
the longest row of its group, and the groups follow one another in a single stream. Linear layers
process the stream as it is. Attention takes each group as a dense block, through views without
copies. (The packed encoder of the service has no padding, but it gathers and scatters. In a
forward and backward pass on a CPU, that costs more than this padding.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

ATTENTION = "stream"
"""The name under which transformers knows the attention below."""

GROUP_COST = 200
"""Places of padding that cost about as much time as one more group."""

ALIGNMENT = 16
"""Streams are rounded up to this: oneDNN makes a kernel for every new number of tokens."""


@dataclass(frozen=True)
class StreamGroup:
    """Consecutive rows, padded to the longest of them."""

    rows: int
    width: int
    mask: Tensor | None
    """``[rows, 1, width]``: -inf at padding and 0 elsewhere; None where nothing is padded."""


@dataclass(frozen=True)
class Stream:
    """A batch of rows as the encoder takes it."""

    ids: Tensor
    """``[1, places]``"""
    positions: Tensor
    """``[1, places]``"""
    starts: Tensor
    """``[rows]``: the place of each row's ``<s>``, in the order in which the rows were given."""
    groups: tuple[StreamGroup, ...]
    tokens: int
    """Of the rows, padding left out."""

    @property
    def sizes(self) -> list[int]:
        return [group.rows * group.width for group in self.groups]

    def to(self, device: torch.device) -> Stream:
        """Return the batch on a device."""
        groups = tuple(
            StreamGroup(
                group.rows, group.width, None if group.mask is None else group.mask.to(device)
            )
            for group in self.groups
        )
        return Stream(
            self.ids.to(device),
            self.positions.to(device),
            self.starts.to(device),
            groups,
            self.tokens,
        )


def stream(rows: Sequence[Sequence[int]], padding_id: int) -> Stream:
    """Arrange rows of token ids as a stream; no row may be empty.

    Positions count from ``padding_id + 1``, as XLM-R's do.
    """
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    lengths = [len(rows[index]) for index in order]
    ids: list[int] = []
    positions: list[int] = []
    starts = [0] * len(rows)
    groups = []
    for run in _runs(lengths):
        width = lengths[run.stop - 1]
        for index in order[run]:
            row, starts[index] = rows[index], len(ids)
            padding = [padding_id] * (width - len(row))
            ids += [*row, *padding]
            positions += [*range(padding_id + 1, padding_id + 1 + len(row)), *padding]
        groups.append(StreamGroup(run.stop - run.start, width, _mask(lengths[run])))
    if tail := -len(ids) % ALIGNMENT:
        ids += [padding_id] * tail
        positions += [padding_id] * tail
        groups.append(StreamGroup(1, tail, None))
    return Stream(
        torch.tensor([ids]),
        torch.tensor([positions]),
        torch.tensor(starts),
        tuple(groups),
        sum(lengths),
    )


def group_shapes(lengths: Iterable[int]) -> list[tuple[int, int]]:
    """Return rows and width of the groups that ``stream`` makes of rows of these lengths."""
    ordered = sorted(lengths)
    shapes = [(run.stop - run.start, ordered[run.stop - 1]) for run in _runs(ordered)]
    if tail := -sum(rows * width for rows, width in shapes) % ALIGNMENT:
        shapes.append((1, tail))
    return shapes


def _runs(lengths: Sequence[int]) -> list[slice]:
    """Part sorted rows into groups, from the longest down; see ``GROUP_COST``."""
    runs = []
    stop = len(lengths)
    while stop:
        start, waste = stop - 1, 0
        while start:
            waste += lengths[stop - 1] - lengths[start - 1]
            if waste > GROUP_COST:
                break
            start -= 1
        runs.append(slice(start, stop))
        stop = start
    return runs[::-1]


def _mask(lengths: Sequence[int]) -> Tensor | None:
    if lengths[0] == lengths[-1]:
        return None
    beyond = torch.arange(lengths[-1])[None, :] >= torch.tensor(lengths)[:, None]
    return torch.zeros(beyond.shape).masked_fill_(beyond, float("-inf"))[:, None]


def register_attention() -> None:
    """Make ``ATTENTION`` known to transformers, in this process; done again, it changes nothing."""
    AttentionInterface.register(ATTENTION, _attend)


def _attend(
    module: torch.nn.Module,  # noqa: ARG001 - the signature is transformers'
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,  # noqa: ARG001
    *,
    scaling: float,
    dropout: float = 0.0,
    batch: Stream,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend within rows: ``[1, heads, places, size]`` each, to ``[1, places, heads, size]``.

    Three dense products a group: on a CPU the backward pass of torch's fused attention takes
    several times as long for rows of some thirty tokens.
    """
    heads, places, size = query.shape[1:]
    parts = [torch.split(tensor[0].transpose(0, 1), batch.sizes) for tensor in (query, key, value)]
    contexts = []
    for group, *vectors in zip(batch.groups, *parts, strict=True):
        q, k, v = (
            part.view(group.rows, group.width, heads, size)
            .transpose(1, 2)
            .reshape(-1, group.width, size)
            for part in vectors
        )
        weights = torch.softmax(_scores(q * scaling, k.transpose(1, 2), group.mask, heads), dim=-1)
        if dropout:
            weights = torch.dropout(weights, dropout, train=True)
        context = torch.bmm(weights, v).view(group.rows, heads, group.width, size)
        contexts.append(context.transpose(1, 2).reshape(-1, heads, size))
    return torch.cat(contexts).view(1, places, heads, size), None


def _scores(query: Tensor, keys: Tensor, mask: Tensor | None, heads: int) -> Tensor:
    if mask is None:
        return torch.bmm(query, keys)
    return torch.baddbmm(mask.repeat_interleave(heads, dim=0).to(query.dtype), query, keys)
