"""The service with engines that answer at once, and a minimal FastAPI endpoint.

    uvicorn loadtests.bench.null_server:service
    uvicorn loadtests.bench.null_server:echo

Both have the same request and response. The difference between them is the cost of the service:
tokenising, admission, scheduling, the hand-over between two threads, metrics, request ids.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from fastapi import FastAPI

from app.api.schemas import Prediction, PredictRequest
from app.main import create_app
from app.settings import STILTS, Settings
from app.weights.variant import Variant, load_models
from loadtests.bench.null_engine import NullEngine


def load_null(settings: Settings) -> Mapping[str, Variant]:
    """Load the models, and put an engine that computes nothing in the place of each."""
    return {
        name: dataclasses.replace(variant, engine=NullEngine())
        for name, variant in load_models(settings.model_copy(update={"engines": 0})).items()
    }


service = create_app(load=load_null)
echo = FastAPI()


@echo.post("/predict/xcopa")
async def predict(body: PredictRequest) -> Prediction:
    """Answer what the service answers, without a question to anyone."""
    return Prediction(
        label=0,
        probabilities=[0.5, 0.5],
        logits=[0.0, 0.0],
        model=body.model or STILTS,
        revision="0",
        request_id="0",
    )
