"""Predictors that need no model."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.items import ItemSets
from models.evaluation.ask.predictions import Predictions, predict_all
from models.evaluation.ask.predictor import Advance, Run


class Oracle:
    """Draws logits from the text of an item and its own name, the same ones every time."""

    def __init__(self, name: str, revision: str | None = None, temperature: float = 1.0) -> None:
        self.name = name
        self.temperature = temperature
        self.revision = revision or name
        self.asked: list[CausalItem] = []

    def logits(self, items: Sequence[CausalItem], advance: Advance) -> NDArray[np.float64]:
        self.asked += items
        advance(len(items))
        return np.array([self.answer(item) for item in items])

    def answer(self, item: CausalItem) -> tuple[float, float]:
        text = f"{self.name} {item}".encode()
        return zlib.crc32(text) % 997 / 997, zlib.adler32(text) % 991 / 991


def run_of(oracle: Oracle) -> Run:
    variant, _, seed = oracle.name.partition("/")
    return Run(variant, lambda: oracle, seed or None)


def predicted(item_sets: ItemSets, runs: Iterable[str]) -> Predictions:
    """Return what oracles of these names predict."""
    return predict_all([run_of(Oracle(run)) for run in runs], item_sets, lambda run, items: None)[0]
