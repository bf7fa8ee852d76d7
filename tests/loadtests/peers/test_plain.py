"""The plain endpoint answers what the service would."""

from __future__ import annotations

import pytest
import torch
from fastapi.testclient import TestClient

from app.api.schemas import Prediction
from app.engine.tokenizer import CausalItem
from app.settings import Settings
from loadtests.peers.padded import PaddedVariant
from loadtests.peers.plain import create_plain_app
from tests.oracle import PaddedOracle
from tests.sample import sample_items


@pytest.mark.usefixtures("tiny_settings")
def test_it_answers_with_the_logits_of_transformers(oracle: PaddedOracle) -> None:
    settings = Settings()
    variant = PaddedVariant.load(settings.models.stilts, settings.cache_dir)
    client = TestClient(create_plain_app())
    for item in sample_items()[:4]:
        answer = client.post("/predict/xcopa", json=item).json()
        [rows] = variant.tokenizer.encode([CausalItem(**item)])
        assert isinstance(rows, tuple)
        logits = oracle.logits(rows)
        assert answer["logits"] == pytest.approx(logits, abs=1e-5)
        assert answer["probabilities"] == pytest.approx(torch.tensor(logits).softmax(0).tolist())
        assert answer["label"] == logits.index(max(logits))
        assert answer.keys() <= Prediction.model_fields.keys()


@pytest.mark.usefixtures("tiny_settings")
def test_an_item_without_a_field_is_refused() -> None:
    client = TestClient(create_plain_app())
    assert client.post("/predict/xcopa", json={"premise": "It rained."}).status_code == 422
