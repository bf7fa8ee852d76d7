"""A model that is loaded here answers in batches as it does alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.tokenizer import CausalItem
from app.weights.variant import Variant, load_variants
from models.evaluation.ask.items import ItemSets, distinct
from models.evaluation.ask.local import LocalPredictor
from models.tasks.example import DataError


@pytest.fixture(scope="module")
def variant(tiny_direct: Path) -> Variant:
    return load_variants({"direct": str(tiny_direct)}, Path())["direct"]


def test_logits_are_those_of_each_item_alone(variant: Variant, item_sets: ItemSets) -> None:
    items = distinct(item_sets)[:40]
    steps: list[int] = []
    logits = LocalPredictor(variant).logits(items, steps.append)
    assert sum(steps) == len(items)
    for item, pair in zip(items, logits, strict=True):
        [rows] = variant.tokenizer.encode([item])
        assert isinstance(rows, tuple)
        assert variant.engine.logits(rows) == pytest.approx(pair, abs=1e-4)


def test_the_stand_in_for_a_premise_is_read(variant: Variant, item_sets: ItemSets) -> None:
    bare = [item for item in distinct(item_sets) if item.premise == "."]
    logits = LocalPredictor(variant).logits(bare, lambda items: None)
    assert np.isfinite(logits).all()


def test_an_item_that_cannot_be_answered_is_named(variant: Variant) -> None:
    blank = CausalItem(" ", "It rained.", "It snowed.", "effect")
    with pytest.raises(DataError, match="It rained"):
        LocalPredictor(variant).logits([blank], lambda items: None)
