"""Both kinds of attention against torch's own, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.attention import varlen
from torch.nn.functional import scaled_dot_product_attention

from app.engine.attention import (
    Attention,
    GroupedAttention,
    VarlenAttention,
    attend_from_first,
    choose_attention,
    tiles,
)
from app.engine.memory import SCORES
from app.engine.packing import PackedRows, aligned, pack
from app.engine.target import Precision, Target
from tests import tiny

HEADS, SIZE = 4, 8
HIDDEN = HEADS * SIZE
LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=12).map(sorted)


def pack_lengths(lengths: list[int], merge_below: int = 1 << 10) -> PackedRows:
    return pack([[0] * length for length in lengths], 1, merge_below)


def by_row(qkv: Tensor, lengths: list[int]) -> Tensor:
    """Attend in each row on its own: ``[tokens of rows, hidden]``."""
    contexts = []
    for row in torch.split(qkv[: sum(lengths)], lengths):
        query, key, value = row.view(len(row), 3, HEADS, SIZE).permute(1, 2, 0, 3)
        context = scaled_dot_product_attention(query, key, value, scale=1.0)
        contexts.append(context.transpose(0, 1).reshape(len(row), HIDDEN))
    return torch.cat(contexts)


def varlen_stand_in(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    query_bounds: Tensor,
    key_bounds: Tensor,
    longest_query: int,
    longest_key: int,
    *,
    scale: float,
    num_splits: int,
) -> Tensor:
    """Compute what ``varlen_attn`` documents, and check what its kernels ask for."""
    assert query_bounds.dtype == key_bounds.dtype == torch.int32
    assert query.shape == key.shape == value.shape == (len(key), HEADS, SIZE)
    lengths = key_bounds.diff().tolist()
    assert min(lengths) > 0
    assert (sum(lengths), max(lengths)) == (len(key), longest_key)
    assert (longest_query, num_splits) == (longest_key, 1)
    qkv = torch.stack([query, key, value], 1).flatten(1)
    return by_row(qkv * 1.0, lengths).view(len(query), HEADS, SIZE) * scale


def assert_rows_attend_to_themselves(
    attention: Attention, lengths: list[int], merge: int = 0
) -> None:
    packed = pack_lengths(lengths, merge)
    qkv = torch.randn(len(packed.ids), 3 * HIDDEN, generator=torch.manual_seed(1))
    context = attention.over(packed)(qkv)
    assert context.shape == (len(qkv), HIDDEN)
    assert context.isfinite().all()
    torch.testing.assert_close(context[: sum(lengths)], by_row(qkv, lengths))


@given(LENGTHS, st.sampled_from([0, 1 << 10, 1 << 20]))
def test_grouped(lengths: list[int], merge: int) -> None:
    assert_rows_attend_to_themselves(GroupedAttention(HEADS), lengths, merge)


@given(LENGTHS, st.sampled_from([0, 1 << 10, 1 << 20]), st.integers(1, 5_000))
@example([39, 40], 1 << 20, 1)
def test_grouped_when_heads_and_queries_take_turns(
    lengths: list[int], merge: int, most_scores: int
) -> None:
    assert_rows_attend_to_themselves(GroupedAttention(HEADS, most_scores), lengths, merge)


@given(st.integers(1, 40), st.integers(1, 50), st.integers(1, 5_000))
def test_tiles_cover_every_query_once_and_hold_no_more_scores_than_they_may(
    blocks: int, width: int, most_scores: int
) -> None:
    seen = np.zeros((blocks, width), dtype=int)
    for block, queries in tiles(blocks, width, most_scores):
        seen[block, queries] += 1
        assert seen[block, queries].size * width <= max(most_scores, width)
    assert (seen == 1).all()


def test_a_usual_batch_is_one_tile() -> None:
    """Whose speed is measured; only longer rows than XLM-R's own take turns."""
    assert list(tiles(16, 512, SCORES)) == [(slice(0, 32), slice(0, 512))]


@given(LENGTHS)
@example([16])
def test_varlen(lengths: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(varlen, "varlen_attn", varlen_stand_in)
        assert_rows_attend_to_themselves(VarlenAttention(HEADS), lengths)


@given(LENGTHS, st.sampled_from([0, 1 << 20]))
def test_from_the_first_token_it_is_the_same_without_keys_and_values(
    lengths: list[int], merge: int
) -> None:
    packed = pack_lengths(lengths, merge)
    chance = torch.manual_seed(2)
    x = torch.randn(len(packed.ids), HIDDEN, generator=chance)
    weights = torch.randn(3, HIDDEN, HIDDEN, generator=chance) / HIDDEN**0.5
    qkv = torch.cat([x @ weight.T for weight in weights], 1)
    expected = by_row(qkv, lengths)[packed.firsts[: len(lengths)]]
    key_weight, value_weight = weights[1:].view(2, HEADS, SIZE, HIDDEN)
    query = (x @ weights[0].T)[packed.firsts]
    found = attend_from_first(query, x, key_weight, value_weight, packed)
    torch.testing.assert_close(found[: len(lengths)], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("device", "precision", "size", "capability", "expected"),
    [
        ("cuda", "bf16", 64, (8, 0), VarlenAttention),
        ("cuda", "bf16", 64, (7, 5), GroupedAttention),
        ("cuda", "bf16", 20, (9, 0), GroupedAttention),
        ("cuda", "fp32", 64, (9, 0), GroupedAttention),
        ("cpu", "bf16", 64, (9, 0), GroupedAttention),
    ],
)
def test_varlen_is_for_what_its_kernels_take(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    precision: str,
    size: int,
    capability: tuple[int, int],
    expected: Any,
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    config = tiny.config(num_attention_heads=2, hidden_size=2 * size)
    target = Target(torch.device(device), Precision(precision))
    chosen = choose_attention(config, target)
    assert isinstance(chosen, expected)
    assert chosen._heads == 2


def test_softmax_of_bf16_scores_is_computed_in_fp32_and_rounded_once() -> None:
    """In bf16's own numbers, sums of many weights lose their last bits, and no test saw it."""
    length, heads = 200, 16
    ones = torch.eye(length).expand(heads, -1, -1)
    scores = 3 * torch.randn(heads, length, length, generator=torch.manual_seed(3))
    scores = scores.bfloat16()
    # One query and one value for each token: the scores are the keys, the context is the weights.
    parts = torch.stack([ones, scores.transpose(1, 2).float(), ones]).bfloat16()
    qkv = parts.permute(2, 0, 1, 3).reshape(length, -1)
    tail = torch.zeros(aligned(length) - length, qkv.shape[1], dtype=qkv.dtype)
    context = GroupedAttention(heads).over(pack_lengths([length]))(torch.cat([qkv, tail]))
    found = context[:length].view(length, heads, length).transpose(0, 1)
    torch.testing.assert_close(found, scores.float().softmax(-1).bfloat16(), atol=0, rtol=0)
