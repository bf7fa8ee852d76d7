"""What the service refuses to serve is no starting point for training."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from app.errors import StartError
from app.weights.base import check_base
from tests import tiny

QUERY = "encoder.layer.1.attention.self.query.weight"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny.headless(tmp_path / "base")


def test_an_encoder_without_a_head_is_a_base_and_its_configuration_is_told(base: Path) -> None:
    config = check_base(base)
    assert config.vocab_size == tiny.PIECES
    assert config.num_hidden_layers == tiny.config().num_hidden_layers


def test_a_model_with_a_head_is_a_base(tiny_stilts: Path) -> None:
    assert check_base(tiny_stilts).vocab_size == tiny.PIECES


def test_a_base_that_lacks_a_weight_is_named_with_it(base: Path) -> None:
    weights = load_file(base / "model.safetensors")
    del weights[QUERY]
    save_file(weights, base / "model.safetensors", {"format": "pt"})
    with pytest.raises(StartError) as refused:
        check_base(base)
    assert str(base) in str(refused.value)
    assert QUERY in str(refused.value)


def test_a_base_whose_file_is_cut_is_named(base: Path) -> None:
    file = base / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(StartError, match=str(file.name)):
        check_base(base)


def test_a_base_with_the_tokenizer_of_another_model_is_named(base: Path) -> None:
    other = Tokenizer.from_file(str(base / "tokenizer.json"))
    other.add_tokens([f"new{number}" for number in range(50)])
    other.save(str(base / "tokenizer.json"))
    with pytest.raises(StartError, match=r"tokenizer\.json has \d+ pieces and its model \d+"):
        check_base(base)


def test_a_base_whose_tokenizer_cannot_be_read_is_named(base: Path) -> None:
    (base / "tokenizer.json").write_text("{", "utf-8")
    with pytest.raises(StartError, match=str(base)):
        check_base(base)
