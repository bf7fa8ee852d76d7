"""The service on an engine that computes nothing answers as the echo does."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from app.settings import Settings
from loadtests.bench.null_server import echo, load_null, service
from tests.sample import sample_items


@pytest.mark.usefixtures("tiny_settings")
def test_variants_keep_all_but_their_engine() -> None:
    variants = load_null(Settings())
    assert set(variants) == {"direct", "stilts"}
    for variant in variants.values():
        variant.engine.warm_up()
        assert variant.engine.logits([(0, 2), (0, 5, 2)]) == [0, 0]
        assert variant.tokenizer.encode([]) == []


def test_the_echo_answers_what_the_service_would() -> None:
    answer = TestClient(echo).post("/predict/xcopa", json=sample_items("en")[0]).json()
    assert (answer["model"], answer["probabilities"]) == ("stilts", [0.5, 0.5])
    schemas = [
        application.openapi()["components"]["schemas"]["Prediction"]["properties"].keys()
        for application in (echo, service)
    ]
    assert answer.keys() <= schemas[0]
    assert schemas[0] == schemas[1]
