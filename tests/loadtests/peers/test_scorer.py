"""What all peers serve: the answers of transformers to the items of a batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from app.engine.prompt import Prompt
from app.engine.tokenizer import CausalItem
from app.weights.variant_config import VariantConfig
from loadtests.peers.padded import PaddedVariant
from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup
from tests.oracle import PaddedOracle
from tests.sample import sample_items


def test_a_batch_is_answered_as_the_service_would(
    tiny_export: Path, tiny_stilts: Path, oracle: PaddedOracle, tmp_path: Path
) -> None:
    variant = PaddedVariant.load(str(tiny_stilts), tmp_path)
    items = sample_items()
    answers = Scorer.load(tiny_export).answers(items)
    for item, answer in zip(items, answers, strict=True):
        [rows] = variant.tokenizer.encode([CausalItem(**item)])
        assert isinstance(rows, tuple)
        logits = oracle.logits(rows)
        assert answer["logits"] == pytest.approx(logits, abs=1e-5)
        probabilities = torch.tensor(logits).softmax(0).tolist()
        assert answer["probabilities"] == pytest.approx(probabilities, abs=1e-5)
        assert answer["label"] == logits.index(max(logits))


def test_it_asks_in_the_words_of_the_checkpoint(tiny_export: Path, tmp_path: Path) -> None:
    item = sample_items("en")[0]
    [as_trained] = Scorer.load(tiny_export).answers([item])
    for file in tiny_export.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "xcopa.json").unlink()
    other = Prompt(cause="Why?", effect="And then?", order="cause-first")
    VariantConfig(other, 2.0).save(tmp_path)
    scorer = Scorer.load(tmp_path)
    [otherwise] = scorer.answers([item])
    assert otherwise["logits"] != pytest.approx(as_trained["logits"], abs=1e-6)
    scaled = (torch.tensor(otherwise["logits"]) / 2).softmax(0).tolist()
    assert otherwise["probabilities"] == pytest.approx(scaled)
    for question in ("cause", "effect"):
        asked = other.pair(item["premise"], question, item["choice1"])
        assert scorer.texts.pair({**item, "question": question}, item["choice1"]) == asked


def test_its_process_has_the_threads_of_its_setup(
    tiny_export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    for name, value in PeerSetup(1, before + 1).variables(tiny_export).items():
        monkeypatch.setenv(name, value)
    try:
        Scorer.configured()
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
