"""The plain endpoint answers what the service would."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient

from loadtests.peers.plain import create_plain_app
from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup
from tests.sample import sample_items


@pytest.fixture
def client(tiny_export: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    setup = PeerSetup(1, torch.get_num_threads())
    for name, value in setup.variables(tiny_export).items():
        monkeypatch.setenv(name, value)
    return TestClient(create_plain_app())


def test_it_answers_with_what_the_model_says_of_the_item_alone(
    client: TestClient, tiny_export: Path
) -> None:
    scorer = Scorer.load(tiny_export)
    for item in sample_items()[:4]:
        [expected] = scorer.answers([item])
        answer = client.post("/predict/xcopa", json=item).json()
        assert answer.keys() == expected.keys()
        assert answer["label"] == expected["label"]
        for name in ("logits", "probabilities"):
            assert answer[name] == pytest.approx(expected[name], abs=1e-5)


def test_an_item_without_a_field_is_refused(client: TestClient) -> None:
    assert client.post("/predict/xcopa", json={"premise": "It rained."}).status_code == 422
