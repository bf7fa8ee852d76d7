"""BentoML with its adaptive batching: ``bentoml serve loadtests.peers.bentoml_server:BentoXcopa``.

The port comes from ``BENTOML_PORT``. A batched endpoint takes a list of items, here of one, and
answers with a list.
"""

from __future__ import annotations

from typing import Any

import bentoml
from pydantic import BaseModel

from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup

SETUP = PeerSetup.read()
LATENCY_MS = 60_000
"""BentoML refuses what would wait for longer; how long a batch waits it finds by itself."""


class BentoItem(BaseModel):
    """The fields of XCOPA."""

    premise: str
    choice1: str
    choice2: str
    question: str


@bentoml.service(
    workers=SETUP.workers, traffic={"timeout": 60}, logging={"access": {"enabled": False}}
)
class BentoXcopa:
    """Answers batches of items."""

    def __init__(self) -> None:
        self._scorer = Scorer.configured()

    @bentoml.api(
        route="/predict/xcopa",
        batchable=True,
        max_batch_size=SETUP.max_batch,
        max_latency_ms=LATENCY_MS,
    )
    def predict(self, items: list[BentoItem]) -> list[dict[str, Any]]:
        """Return the answers of a batch."""
        return self._scorer.answers([item.model_dump() for item in items])
