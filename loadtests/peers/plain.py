"""A simple service without batches: transformers' model, one forward pass for each request.

    uvicorn --factory loadtests.peers.plain:create_plain_app

FastAPI runs the endpoint in its thread pool, so requests overlap.
"""

from __future__ import annotations

from typing import Any

# Before anything of app, which sets how idle threads wait: torch reads that when it is loaded.
import torch
from fastapi import FastAPI
from pydantic import BaseModel

from app.engine.compute import set_up
from app.engine.tokenizer import CausalItem
from app.settings import Settings
from loadtests.peers.padded import PaddedVariant


class PlainItem(BaseModel):
    """The fields of XCOPA."""

    premise: str
    choice1: str
    choice2: str
    question: str


def create_plain_app() -> FastAPI:
    """Load the ``stilts`` that the service would serve, and make the application.

    Raises:
        StartError: it cannot be loaded.
    """
    settings = Settings()
    set_up(settings.threads, lanes=False)
    variant = PaddedVariant.load(settings.models.stilts, settings.cache_dir)
    app = FastAPI()

    @app.post("/predict/xcopa")
    def predict(item: PlainItem) -> dict[str, Any]:
        causal = CausalItem(item.premise, item.choice1, item.choice2, item.question)
        [rows] = variant.tokenizer.encode([causal])
        assert isinstance(rows, tuple)
        logits = torch.tensor(variant.engine.logits(rows))
        return {
            "label": int(logits.argmax()),
            "probabilities": logits.softmax(0).tolist(),
            "logits": logits.tolist(),
        }

    return app
