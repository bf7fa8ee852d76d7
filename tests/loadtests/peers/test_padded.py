"""transformers' padded pass, as the bench runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import XLMRobertaForMultipleChoice

from app.engine.tokenizer import CausalItem
from loadtests.peers import padded
from loadtests.peers.padded import SIZES, PaddedVariant, Size, model_of, random_model
from loadtests.peers.padded_encoder import PaddedEncoder
from tests import tiny
from tests.oracle import PaddedOracle
from tests.sample import sample_items

ROWS = [[0, 5, 9, 2], [0, 2], [0, 7, 1, 1, 8, 6, 2]]


def test_rows_of_any_lengths_get_the_logits_that_they_have_alone(
    tiny_stilts: Path, oracle: PaddedOracle
) -> None:
    encoder = PaddedEncoder(XLMRobertaForMultipleChoice.from_pretrained(tiny_stilts))
    alone = [oracle.logits([row])[0] for row in ROWS]
    assert encoder.logits(ROWS) == pytest.approx(alone, abs=1e-5)
    assert encoder.logits([]) == []


def test_a_variant_brings_its_tokenizer_and_limit(tiny_stilts: Path, tmp_path: Path) -> None:
    variant = PaddedVariant.load(str(tiny_stilts), tmp_path)
    item = CausalItem(**sample_items("en")[0])
    long = CausalItem(" ".join([item.premise] * 100), item.choice1, item.choice2, item.question)
    rows, refused = variant.tokenizer.encode([item, long])
    assert isinstance(rows, tuple)
    assert isinstance(refused, Exception)
    assert len(variant.engine.logits(rows)) == 2


def test_loading_a_variant_leaves_the_threads_of_torch_alone(
    tiny_stilts: Path, tmp_path: Path
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        PaddedVariant.load(str(tiny_stilts), tmp_path)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_published_shapes_have_the_vocabulary_of_the_shipped_model(
    tiny_stilts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = PaddedVariant.load(str(tiny_stilts), tmp_path)
    monkeypatch.setattr(padded, "shipped_stilts", lambda: shipped)
    monkeypatch.setattr(padded, "random_model", lambda *asked: asked)
    assert model_of("embedded") is shipped.model
    for shape, size in SIZES.items():
        assert model_of(shape) == (size, tiny.PIECES)


def test_a_random_model_has_its_size_and_is_always_the_same() -> None:
    size = Size(hidden=48, layers=3, heads=4, inner=96)
    one, other = random_model(size, 50), random_model(size, 50)
    assert (one.config.hidden_size, one.config.num_hidden_layers) == (48, 3)
    assert (one.config.num_attention_heads, one.config.intermediate_size) == (4, 96)
    assert one.config.vocab_size == 50
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs)
