"""The service with engines that answer at once, and the least FastAPI endpoint beside it.

    uvicorn loadtests.bench.null_server:service
    uvicorn loadtests.bench.null_server:echo

Both have the same request and response; what the service does more is what it costs: tokenising,
admission, scheduling, two threads' hand-over, metrics, request ids.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from fastapi import FastAPI

from app.api.schemas import Prediction, PredictRequest
from app.main import create_app
from app.settings import Settings
from app.weights.variant import Variant, load_models


class NullEngine:
    """Answers zeros."""

    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
        return [0.0] * len(rows)

    def warm_up(self) -> None:
        """Nothing to warm."""


def _load(settings: Settings) -> Mapping[str, Variant]:
    engine = NullEngine()
    return {
        name: dataclasses.replace(variant, engine=engine)
        for name, variant in load_models(settings).items()
    }


service = create_app(load=_load)
echo = FastAPI()


@echo.post("/predict/xcopa")
async def predict(body: PredictRequest) -> Prediction:
    return Prediction(
        label=0,
        probabilities=[0.5, 0.5],
        logits=[0.0, 0.0],
        model=body.model or "stilts",
        revision="0",
        request_id="0",
    )
