"""Streams: every token once, at its position, and attention that is transformers' own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import XLMRobertaModel

from models.training.stream import (
    ALIGNMENT,
    ATTENTION,
    group_shapes,
    register_attention,
    stream,
)
from tests import tiny

PADDING = 1
ROWS = st.lists(st.lists(st.integers(4, 99), min_size=1, max_size=60), min_size=1, max_size=40)


@given(ROWS)
def test_a_stream_holds_every_token_once_at_its_position(rows: list[list[int]]) -> None:
    made = stream(rows, PADDING)
    ids, positions = made.ids[0].tolist(), made.positions[0].tolist()
    for row, start in zip(rows, made.starts.tolist(), strict=True):
        assert ids[start : start + len(row)] == row
        expected = range(PADDING + 1, PADDING + 1 + len(row))
        assert positions[start : start + len(row)] == list(expected)
    assert sum(piece != PADDING for piece in ids) == made.tokens == sum(map(len, rows))
    assert sum(made.sizes) == len(ids)
    assert len(ids) % ALIGNMENT == 0


@given(ROWS)
def test_padding_is_bounded_by_the_cost_of_a_group(rows: list[list[int]]) -> None:
    made = stream(rows, PADDING)
    for group in made.groups:
        padded = 0 if group.mask is None else int(group.mask.isinf().sum())
        assert padded <= 200


@pytest.fixture(autouse=True)
def _attention_is_registered() -> None:
    register_attention()


def encoder(attention: str, dropout: float = 0.0) -> Any:
    torch.manual_seed(1)
    config = tiny.config(attention_probs_dropout_prob=dropout, hidden_dropout_prob=dropout)
    return XLMRobertaModel._from_config(config, attn_implementation=attention)


def test_outputs_and_gradients_are_those_of_transformers() -> None:
    generator = torch.Generator().manual_seed(2)
    lengths = (5, 30, 7, 31, 32, 5, 12)
    rows = [torch.randint(4, 99, (length,), generator=generator).tolist() for length in lengths]
    made = stream(rows, PADDING)
    ours, theirs = encoder(ATTENTION), encoder("eager")

    hidden = ours.embeddings(input_ids=made.ids, position_ids=made.positions)
    states = ours.encoder(hidden, batch=made).last_hidden_state[0]
    firsts = states[made.starts]

    longest = max(lengths)
    ids = torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows])
    padded = theirs(input_ids=ids, attention_mask=(ids != PADDING).long()).last_hidden_state
    torch.testing.assert_close(firsts, padded[:, 0], atol=1e-5, rtol=1e-5)

    firsts.square().sum().backward()
    padded[:, 0].square().sum().backward()
    for (name, mine), (_, other) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        if other.grad is not None:
            torch.testing.assert_close(mine.grad, other.grad, atol=1e-3, rtol=1e-4, msg=name)


@pytest.mark.parametrize("training", [True, False])
def test_attention_drops_out_in_training_alone(training: bool) -> None:
    made = stream([[5, 6, 7, 8]], PADDING)
    noisy = encoder(ATTENTION, dropout=0.5).train(training)
    outputs = []
    for _ in range(2):
        hidden = noisy.embeddings.word_embeddings(made.ids)
        outputs.append(noisy.encoder.layer[0].attention.self(hidden, batch=made)[0])
    assert torch.equal(*outputs) is not training


@pytest.mark.parametrize("lengths", [(5,), (16, 16), (3, 40, 41, 200, 7), range(4, 90, 3)])
def test_the_shapes_of_groups_are_known_from_lengths_alone(lengths: Sequence[int]) -> None:
    made = stream([[0] * length for length in lengths], 1)
    assert group_shapes(lengths) == [(group.rows, group.width) for group in made.groups]
