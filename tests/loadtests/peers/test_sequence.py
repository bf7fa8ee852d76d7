"""A model for multiple choice, written as a classifier of sequences, says the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import XLMRobertaForSequenceClassification

from loadtests.peers.scorer import Scorer
from loadtests.peers.sequence import renamed, write_sequence
from tests.oracle import PaddedOracle
from tests.sample import sample_items


@pytest.fixture
def checkpoint(tiny_export: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_export, tmp_path / "direct"))


def test_the_logits_are_those_of_the_checkpoint(checkpoint: Path, oracle: PaddedOracle) -> None:
    out = write_sequence(checkpoint)
    model = XLMRobertaForSequenceClassification.from_pretrained(out).eval()
    assert model.config.num_labels == 1
    for row in Scorer.load(checkpoint).rows(sample_items("en")):
        with torch.inference_mode():
            [[logit]] = model(input_ids=torch.tensor([row])).logits
        assert float(logit) == pytest.approx(oracle.logits([row])[0], abs=1e-5)


def test_tokenizer_and_prompt_come_along_and_a_second_call_changes_nothing(
    checkpoint: Path,
) -> None:
    out = write_sequence(checkpoint)
    written = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert write_sequence(checkpoint) == out
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == written
    assert Tokenizer.from_file(str(out / "tokenizer.json")).get_vocab_size() > 0
    assert (out / "xcopa.json").read_bytes() == (checkpoint / "xcopa.json").read_bytes()


def test_only_the_two_layers_of_the_head_get_other_names() -> None:
    old = ("roberta.pooler.dense.weight", "classifier.bias", "roberta.embeddings.LayerNorm.bias")
    assert list(renamed(dict.fromkeys(old, 0))) == [
        *("classifier.dense.weight", "classifier.out_proj.bias"),
        "roberta.embeddings.LayerNorm.bias",
    ]
