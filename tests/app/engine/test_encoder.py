"""The packed forward pass against transformers' padded one, alone and in company."""

from __future__ import annotations

import copy
import gc
import random
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import XLMRobertaForMultipleChoice

from app.engine.encoder import PackedEncoder, _parts
from app.engine.memory import CUDA_PART_TOKENS, PART_TOKENS
from app.engine.target import Precision, Target
from app.weights.loading import as_multiple_choice
from tests import tiny
from tests.oracle import PaddedOracle

TOLERANCE = 1e-4

Row = list[int]


def make(seed: int, **changes: Any) -> XLMRobertaForMultipleChoice:
    return tiny.drawn_multiple_choice(seed, **changes).eval().requires_grad_(False)


def make_classifier(seed: int, **changes: Any) -> XLMRobertaForMultipleChoice:
    classifier = tiny.drawn_classifier(seed, **changes)
    return as_multiple_choice(classifier.eval().requires_grad_(False))


def a_row(chance: random.Random, length: int, pieces: int = tiny.PIECES) -> Row:
    return [0, *(chance.randrange(pieces) for _ in range(length - 2)), 2]


def some_rows(seed: int, lengths: list[int], pieces: int = tiny.PIECES) -> list[Row]:
    chance = random.Random(seed)  # noqa: S311
    return [a_row(chance, length, pieces) for length in lengths]


def assert_parity(model: XLMRobertaForMultipleChoice, rows: list[Row]) -> None:
    expected, found = PaddedOracle(model).logits(rows), PackedEncoder(model).logits(rows)
    if found == pytest.approx(expected, abs=TOLERANCE):
        return
    # Three hidden units that are nearly equal make much of how a sum is rounded: transformers
    # itself is then further from the numbers of double precision.
    exact = PaddedOracle(copy.deepcopy(model).double()).logits(rows)
    rounding = max(abs(one - other) for one, other in zip(expected, exact, strict=True))
    assert found == pytest.approx(exact, abs=4 * rounding)


CONFIGS = st.builds(
    lambda heads, size, **others: {
        "num_attention_heads": heads,
        "hidden_size": heads * size,
        "max_position_embeddings": 520,
        **others,
    },
    heads=st.integers(1, 5),
    size=st.sampled_from([1, 3, 7, 8, 16, 17, 32]),
    num_hidden_layers=st.integers(1, 4),
    intermediate_size=st.sampled_from([5, 32, 65]),
    hidden_act=st.sampled_from(["gelu", "relu", "gelu_new"]),
    layer_norm_eps=st.sampled_from([1e-12, 1e-5, 1e-2]),
    pad_token_id=st.integers(0, 4),
    type_vocab_size=st.sampled_from([1, 2]),
)
LENGTHS = st.one_of(
    st.lists(st.integers(3, 60), min_size=1, max_size=12),
    st.builds(lambda length, count: [length] * count, st.integers(3, 40), st.integers(2, 30)),
    st.builds(
        lambda short, long: [*short, long],
        st.lists(st.integers(3, 30), min_size=1, max_size=10),
        st.integers(200, 512),
    ),
)


@settings(deadline=None, max_examples=60)
@given(
    config=CONFIGS,
    lengths=LENGTHS,
    seed=st.integers(0, 1 << 16),
    build=st.sampled_from([make, make_classifier]),
)
def test_logits_are_those_of_transformers(
    config: dict[str, Any], lengths: list[int], seed: int, build: Any
) -> None:
    # Ids are drawn from all pieces, so a literal padding id stands inside some rows.
    assert_parity(build(seed, **config), some_rows(seed, lengths))


def test_a_row_of_each_length_and_more_than_one_micro_batch() -> None:
    lengths = list(range(3, tiny.MAX_TOKENS + 1, 7))
    assert sum(lengths) > 4 * PART_TOKENS
    assert_parity(make(1), some_rows(1, lengths))


@pytest.mark.parametrize("padding", range(1, 4))
def test_a_literal_padding_id_inside_a_row(padding: int) -> None:
    rows = [[0, padding, 7, padding, padding, 8, 2], [0, 7, 2], [0, 5, 6, padding]]
    assert_parity(make(2, pad_token_id=padding), rows)


@pytest.mark.parametrize(
    ("hidden", "heads", "inner"), [(384, 12, 1536), (768, 12, 3072), (1024, 16, 4096)]
)
def test_the_widths_of_real_models(hidden: int, heads: int, inner: int) -> None:
    model = make(
        3,
        hidden_size=hidden,
        num_attention_heads=heads,
        intermediate_size=inner,
    )
    assert_parity(model, some_rows(3, [9, 15, 15, 22, 22, 22, 30, 41, 59, 200]))


@settings(deadline=None, max_examples=20)
@given(LENGTHS, st.randoms(use_true_random=False))
def test_a_row_gets_the_same_logit_alone_and_in_any_company(
    lengths: list[int], chance: random.Random
) -> None:
    encoder = PackedEncoder(make(4, max_position_embeddings=520))
    rows = [a_row(chance, length) for length in lengths]
    alone = [encoder.logits([row])[0] for row in rows]
    order = list(range(len(rows)))
    chance.shuffle(order)
    together = encoder.logits([rows[index] for index in order])
    assert together == pytest.approx([alone[index] for index in order], abs=TOLERANCE)


def test_no_rows_make_no_logits(tiny_direct: Path) -> None:
    model = XLMRobertaForMultipleChoice.from_pretrained(tiny_direct)
    assert PackedEncoder(model).logits([]) == []


@pytest.mark.parametrize("build", [make, make_classifier])
def test_the_layers_of_transformers_can_be_forgotten(build: Any) -> None:
    model = build(5)
    rows = some_rows(5, [5, 9])
    layers = [weakref.ref(layer) for layer in model.roberta.encoder.layer]
    # Modules may linger in cycles; it is the weights that count.
    kept = {"roberta.embeddings.word_embeddings.weight"}
    weights = [weakref.ref(p) for name, p in model.named_parameters() if name not in kept]
    encoder = PackedEncoder(model)
    expected = encoder.logits(rows)
    del model
    gc.collect()
    assert [ref() for ref in [*layers, *weights] if ref() is not None] == []
    assert encoder.logits(rows) == expected


def test_every_tensor_is_made_where_the_model_is() -> None:
    # The meta device refuses tensors from elsewhere, as CUDA would.
    meta = torch.device("meta")
    encoder = PackedEncoder(make(7).to(meta), Target(meta))
    logits = encoder._forward(encoder._pack([[0, 2], [0, 5, 2], [0, 5, 2]]))
    assert (logits.device, logits.shape) == (meta, (3,))


@pytest.mark.gpu
def test_cuda_answers_as_the_cpu_does_in_each_precision() -> None:
    model = make(8, hidden_size=64)
    rows = some_rows(8, [5, 9, 9, 14, 22, 22, 40, 200])
    expected = PackedEncoder(model).logits(rows)
    model.to("cuda")
    for precision, tolerance in ((Precision.FP32, 1e-4), (Precision.BF16, 0.1)):
        found = PackedEncoder(model, Target(torch.device("cuda"), precision)).logits(rows)
        assert found == pytest.approx(expected, abs=tolerance), precision


def test_a_warm_encoder_answers_the_same() -> None:
    encoder = PackedEncoder(make(9))
    before = encoder.logits([[0, 5, 2]])
    encoder.warm_up()
    assert encoder.logits([[0, 5, 2]]) == before


@pytest.mark.parametrize(
    ("lengths", "parts"),
    [
        ([3, 4], [[3, 4]]),
        ([3, 4, 1], [[3, 4], [1]]),
        ([3, 3, 3], [[3, 3], [3]]),
        ([3, 4, 3, 4], [[3, 4], [3, 4]]),
        ([8, 8], [[8], [8]]),
        ([2, 8], [[2], [8]]),
    ],
)
def test_a_part_has_as_many_rows_as_its_tokens_allow_and_one_at_least(
    lengths: list[int], parts: list[list[int]]
) -> None:
    cut = list(_parts(lengths, 7))
    assert [lengths[part] for part in cut] == parts
    assert cut[-1].stop == len(lengths)


def test_a_cpu_takes_small_parts_and_close_groups_and_cuda_large_ones() -> None:
    rows = [[0] * 3, [0] * 100]
    cpu = PackedEncoder(make(10))
    # Of the meta device, which is no CPU either.
    meta = torch.device("meta")
    other = PackedEncoder(make(10).to(meta), Target(meta))
    assert (cpu._part_tokens, other._part_tokens) == (PART_TOKENS, CUDA_PART_TOKENS)
    assert [len(each._pack(rows).groups) for each in (cpu, other)] == [2, 1]
