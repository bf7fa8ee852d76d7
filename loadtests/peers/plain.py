"""FastAPI as its tutorial has it: transformers' model, one forward pass for each request.

    uvicorn --factory loadtests.peers.plain:create_plain_app

FastAPI runs the endpoint in its thread pool, so requests overlap.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from loadtests.peers.scorer import Scorer


class PlainItem(BaseModel):
    """The fields of XCOPA."""

    premise: str
    choice1: str
    choice2: str
    question: str


def create_plain_app() -> FastAPI:
    """Load the model, and make the application."""
    scorer = Scorer.configured()
    app = FastAPI()

    @app.post("/predict/xcopa")
    def predict(item: PlainItem) -> dict[str, Any]:
        [answer] = scorer.answers([item.model_dump()])
        return answer

    return app
