"""A prediction service on tiny models, and the engines that a test may give it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.engine.engine import Engine, Row
from app.engine.tokenizer import CausalItem, PairTokenizer
from app.serving.admission import Limits
from app.serving.answer import Ask
from app.serving.service import PredictionService, ServiceOptions
from app.serving.work import ModelProfile, ServiceCurve
from app.telemetry.metrics import Metrics
from app.telemetry.tracing import Tracing
from tests.engines import ColdEngine

ITEM = CausalItem("The street lights went out.", "A storm came.", "It was noon.", "cause")
BLANK = CausalItem("The street lights went out.", "\u3000", "It was noon.", "cause")
OTHER = CausalItem("The sun rose.", "It got light.", "It got dark.", "effect")
LONG = CausalItem("The street lights went out. " * 40, "A storm came.", "It was noon.", "cause")


@dataclass
class Model:
    """A served model whose engine a test may replace."""

    revision: str
    tokenizer: PairTokenizer
    engine: Engine
    temperature: float = 1.0


class HeldEngine(ColdEngine):
    """Runs only when the test lets it."""

    def __init__(self) -> None:
        self.may_run = threading.Event()

    def logits(self, rows: Sequence[Row]) -> list[float]:
        self.may_run.wait(10)
        return [0.0] * len(rows)


class BrokenEngine(ColdEngine):
    def logits(self, rows: Sequence[Row]) -> list[float]:
        raise RuntimeError("broken")


class CountingEngine(ColdEngine):
    """Counts the rows of its batches, and may be held or end its thread."""

    def __init__(self, held: bool = False, deaths: int = 0, answer: float = 0.0) -> None:
        self.batches: list[int] = []
        self.may_run = threading.Event()
        if not held:
            self.may_run.set()
        self._deaths = deaths
        self._answer = answer

    def logits(self, rows: Sequence[Row]) -> list[float]:
        self.may_run.wait(10)
        self.batches.append(len(rows))
        if len(self.batches) <= self._deaths:
            raise SystemExit
        return [self._answer] * len(rows)


@asynccontextmanager
async def serving(
    model: Model,
    *,
    queue_seconds: float = 100.0,
    watchdog_seconds: float = 30.0,
    cache_bytes: int = 0,
    per_token: float = 0.01,
    batch_tokens: int = 1_000,
    other: Model | None = None,
    metrics: Metrics | None = None,
    tracing: Tracing | None = None,
) -> AsyncIterator[PredictionService[Model]]:
    """A service with both models, on which a token is said to take that many seconds."""
    models = {"direct": model, "stilts": other or model}
    profile = ModelProfile(batch_tokens, ServiceCurve(0.0, per_token))
    service = PredictionService(
        models,
        dict.fromkeys(models, profile),
        ServiceOptions(
            Limits(queue_seconds), watchdog_seconds=watchdog_seconds, cache_bytes=cache_bytes
        ),
        metrics or Metrics(models),
        tracing,
    )
    try:
        yield service
    finally:
        service.close(timeout=1)


def ask(item: CausalItem = ITEM) -> Ask:
    return Ask(item, "direct")
