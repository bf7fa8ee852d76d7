"""What the tests of clients share: a service with tiny models, and what it answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.e2e.clients.programs import ITEM


@pytest.fixture(scope="session")
def expected(tiny_url: str) -> dict[str, Any]:
    """The default model's answer to ``ITEM``, but for what is new in each."""
    answer: dict[str, Any] = httpx.post(f"{tiny_url}/predict/xcopa", json=ITEM).json()
    del answer["request_id"]
    return answer


def check(answer: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare an answer with the one that is expected; a batch may round otherwise."""
    assert answer.pop("request_id")
    for name in ("logits", "probabilities"):
        assert answer.pop(name) == pytest.approx(expected[name], abs=1e-4)
    assert answer == {name: expected[name] for name in ("label", "model", "revision")}
