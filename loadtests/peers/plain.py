"""The service one would write in an afternoon: transformers' model, one forward pass a request.

It is what ``make bench BENCH=plain`` measures beside ours. FastAPI runs the endpoint in its
thread pool, so requests overlap, but nothing is batched.
"""

from __future__ import annotations

from typing import Any

import torch
from fastapi import FastAPI
from pydantic import BaseModel

from app.engine.tokenizer import CausalItem
from loadtests.padded import PaddedVariant

variant = PaddedVariant.shipped("stilts")
app = FastAPI()


class Item(BaseModel):
    """The fields of XCOPA."""

    premise: str
    choice1: str
    choice2: str
    question: str


@app.post("/predict/xcopa")
def predict(item: Item) -> dict[str, Any]:
    causal = CausalItem(item.premise, item.choice1, item.choice2, item.question)
    [rows] = variant.tokenizer.encode([causal])
    assert isinstance(rows, tuple)
    logits = torch.tensor(variant.engine.logits(rows))
    return {
        "label": int(logits.argmax()),
        "probabilities": logits.softmax(0).tolist(),
        "logits": logits.tolist(),
    }
