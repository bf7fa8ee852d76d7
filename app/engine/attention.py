"""Self-attention over packed rows: each token attends only to the tokens of its own row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import varlen
from transformers import XLMRobertaConfig

from app.engine.memory import SCORES, most_scores
from app.engine.packing import Group, Ints, PackedRows, place
from app.engine.target import Precision, Target

Attend = Callable[[Tensor], Tensor]
"""Attention over one batch: ``[tokens, 3 x hidden]``, its queries already divided by the root of
the head's size, to ``[tokens, hidden]``."""


FLASH_HEAD_SIZES = range(8, 257, 8)
FLASH_CAPABILITY = (8, 0)
"""What torch's fused attention over rows of any lengths is made for: from Ampere on."""


class Attention(Protocol):
    """A way to compute attention over a batch."""

    def over(self, packed: PackedRows) -> Attend:
        """Prepare what attention needs to know about a batch, once for all layers."""


def choose_attention(config: XLMRobertaConfig, target: Target) -> Attention:
    """Return the fastest attention that the target has for these heads."""
    size = config.hidden_size // config.num_attention_heads
    if (
        target.device.type == "cuda"
        and target.precision is Precision.BF16
        and size in FLASH_HEAD_SIZES
        and torch.cuda.get_device_capability() >= FLASH_CAPABILITY
    ):
        return VarlenAttention(config.num_attention_heads)
    return GroupedAttention(config.num_attention_heads, most_scores(target))


class GroupedAttention:
    """Attention group by group: each is three dense products, over all heads of all its rows.

    torch's fused attention takes three times as long on a CPU: it is made for long rows, and
    these have some twenty tokens.

    Args:
        heads: of the model.
        most_scores: how many are in memory at once; of long rows, heads and queries take turns.
    """

    def __init__(self, heads: int, most_scores: int = SCORES) -> None:
        self._heads = heads
        self._most_scores = most_scores

    def over(self, packed: PackedRows) -> Attend:
        to_blocks, from_blocks = _places(packed, self._heads)
        return _GroupedAttend(
            heads=self._heads,
            most_scores=self._most_scores,
            groups=packed.groups,
            masks=[self._per_head(group) for group in packed.groups],
            to_blocks=place(to_blocks, packed.device),
            from_blocks=place(from_blocks, packed.device),
        )

    def _per_head(self, group: Group) -> Tensor | None:
        return None if group.mask is None else group.mask.repeat_interleave(self._heads, dim=0)


@dataclass(frozen=True)
class _GroupedAttend:
    heads: int
    most_scores: int
    groups: tuple[Group, ...]
    masks: list[Tensor | None]
    to_blocks: Tensor
    from_blocks: Tensor

    def __call__(self, qkv: Tensor) -> Tensor:
        vectors = qkv.view(len(qkv) * 3 * self.heads, -1)
        size = vectors.shape[1]
        blocks = vectors.index_select(0, self.to_blocks).view(3, -1, size)
        contexts = torch.empty_like(blocks[0])
        for group, mask in zip(self.groups, self.masks, strict=True):
            places = slice(group.slots.start * self.heads, group.slots.stop * self.heads)
            query, key, value = blocks[:, places].view(3, -1, group.width, size).unbind(0)
            context = contexts[places].view(-1, group.width, size)
            for heads, queries in tiles(len(query), group.width, self.most_scores):
                _attend(
                    query[heads, queries],
                    key[heads],
                    value[heads],
                    None if mask is None else mask[heads],
                    out=context[heads, queries],
                )
        return contexts.index_select(0, self.from_blocks).view(len(qkv), -1)


class VarlenAttention:
    """torch's fused attention over rows of any lengths, for CUDA in bf16.

    It has not run on a GPU yet: its wiring is tested on a CPU against a stand-in.
    """

    def __init__(self, heads: int) -> None:
        self._heads = heads

    def over(self, packed: PackedRows) -> Attend:
        # The tail is a row of its own, so that nothing is left unwritten.
        tail = len(packed.ids) - packed.lengths.sum()
        lengths = np.append(packed.lengths, [tail] if tail else [])
        bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return partial(
            _attend_varlen,
            heads=self._heads,
            bounds=place(bounds, packed.device),
            longest=int(lengths.max()),
        )


def _attend_varlen(qkv: Tensor, heads: int, bounds: Tensor, longest: int) -> Tensor:
    query, key, value = qkv.view(len(qkv), 3, heads, -1).unbind(1)
    # One split: a row then gets the same result in every batch.
    context = varlen.varlen_attn(
        query, key, value, bounds, bounds, longest, longest, scale=1.0, num_splits=1
    )
    assert isinstance(context, Tensor)
    return context.reshape(len(qkv), -1)


def tiles(blocks: int, width: int, most_scores: int) -> Iterator[tuple[slice, slice]]:
    """Cut blocks of ``width x width`` scores into tiles of at most so many.

    Yields:
        Some whole blocks and all their queries; or one block and some of its queries, where a
        block is too large. A single query is never cut: its softmax needs all its scores.
    """
    together = max(1, most_scores // width**2)
    queries = width if width**2 <= most_scores else max(1, most_scores // width)
    for block in range(0, blocks, together):
        for query in range(0, width, queries):
            yield slice(block, block + together), slice(query, query + queries)


def _attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, out: Tensor) -> None:
    torch.bmm(_weights(query, key.transpose(1, 2), mask), value, out=out)


def _weights(query: Tensor, keys: Tensor, mask: Tensor | None) -> Tensor:
    """Return how much of each token a query takes; each query's weights sum to one."""
    if mask is None:
        scores = torch.bmm(query, keys)
    else:
        scores = torch.baddbmm(mask.to(query.dtype), query, keys)
    return scores.softmax(-1, dtype=torch.float32).to(query.dtype)


def _places(packed: PackedRows, heads: int) -> tuple[Ints, Ints]:
    """Say how the heads' vectors move between the stream and the groups' dense blocks.

    A group's block is ``[rows, heads, width]`` vectors, and the blocks stand one after another.

    Returns:
        For every vector of the query's, then the key's, then the value's blocks, its place in
        the stream, where a token holds its heads' queries, then keys, then values; and for every
        token and head of the stream, its place in the blocks (the tail takes the first one).
    """
    head = np.arange(heads)[:, None]
    queries: list[Ints] = []
    from_blocks = np.zeros((len(packed.ids), heads), dtype=np.int64)
    for group in packed.groups:
        queries.append((group.tokens[:, None] * 3 * heads + head).ravel())
        shape = (group.size, heads, group.width)
        first = group.slots.start * heads
        blocks = first + np.arange(np.prod(shape)).reshape(shape).transpose(0, 2, 1)
        own = slice(None) if group.padding is None else ~group.padding
        from_blocks[group.tokens[own]] = blocks[own]
    to_blocks = np.concatenate(queries)
    return np.concatenate(
        [to_blocks, to_blocks + heads, to_blocks + 2 * heads]
    ), from_blocks.ravel()


def attend_from_first(
    query: Tensor, x: Tensor, key_weight: Tensor, value_weight: Tensor, packed: PackedRows
) -> Tensor:
    """Attend only from the ``<s>`` of each row, without computing keys and values.

    A head's score of a token is ``query . (key_weight @ x) = (query @ key_weight) . x``, and its
    context is ``value_weight @ (sum of probability times x)``: with one query a row it is cheaper
    to move the query, and then the mean, through the weights than every token. The key's bias
    adds the same to all scores of a row, which softmax ignores; the value's bias is the caller's.

    Args:
        query: ``[rows, hidden]``, divided by the root of the head's size.
        x: ``[tokens, hidden]``, the layer's input.
        key_weight, value_weight: ``[heads, head size, hidden]``.

    Returns:
        ``[rows, hidden]``, in the order and with the tail of ``packed.firsts``.
    """
    heads, size, hidden = key_weight.shape
    by_head = query.view(-1, heads, size).transpose(0, 1)
    probes = torch.bmm(by_head, key_weight).transpose(0, 1).contiguous()
    means = torch.zeros_like(probes)
    padded = x.index_select(0, packed.to_slots)
    for group in packed.groups:
        tokens = padded[group.slots].view(group.size, group.width, hidden)
        weights = _weights(probes[group.rows], tokens.transpose(1, 2), group.mask)
        torch.bmm(weights, tokens, out=means[group.rows])
    contexts = torch.bmm(means.transpose(0, 1), value_weight.transpose(1, 2))
    return contexts.transpose(0, 1).reshape(-1, hidden)
