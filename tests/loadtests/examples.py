"""Answers as the service gives them."""

from __future__ import annotations

from typing import Any

ITEM = {
    "premise": "The man forgot his umbrella.",
    "choice1": "He got wet.",
    "choice2": "He sang.",
    "question": "effect",
}


def prediction(
    label: int = 1,
    probabilities: tuple[float, ...] = (0.25, 0.75),
    model: str = "stilts",
    logits: tuple[float, ...] | None = None,
) -> dict[str, Any]:
    return {
        "label": label,
        "probabilities": list(probabilities),
        "logits": list(probabilities if logits is None else logits),
        "model": model,
        "revision": "r1",
        "request_id": "1",
    }


def comparison(agree: bool, **labels: int) -> dict[str, Any]:
    sides = {0: (0.75, 0.25), 1: (0.25, 0.75)}
    predictions = {name: prediction(label, sides[label], name) for name, label in labels.items()}
    return {"predictions": predictions, "agree": agree}


def ranking(order: tuple[int, ...] = (1, 2, 0)) -> dict[str, Any]:
    found = prediction(0, (0.2, 0.5, 0.3))
    del found["label"]
    return {**found, "order": list(order)}
