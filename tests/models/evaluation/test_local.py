"""A model that is loaded here answers in batches as it does alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.engine.tokenizer import CausalItem
from app.weights.variant import Variant, load_variants
from models.evaluation.local import LocalAnswerer
from models.evaluation.sheets import Sheets, distinct
from models.tasks.example import DataError


@pytest.fixture(scope="module")
def variant(tiny_direct: Path) -> Variant:
    return load_variants({"direct": str(tiny_direct)}, Path())["direct"]


def test_logits_are_those_of_each_item_alone(variant: Variant, sheets: Sheets) -> None:
    items = distinct(sheets)[:40]
    steps: list[int] = []
    logits = LocalAnswerer(variant).logits(items, steps.append)
    assert sum(steps) == len(items)
    for item, pair in zip(items, logits, strict=True):
        [rows] = variant.tokenizer.encode([item])
        assert isinstance(rows, tuple)
        assert variant.engine.logits(rows) == pytest.approx(pair, abs=1e-4)


def test_the_stand_in_for_a_premise_is_read(variant: Variant, sheets: Sheets) -> None:
    bare = [item for item in distinct(sheets) if item.premise == "."]
    logits = LocalAnswerer(variant).logits(bare, lambda items: None)
    assert np.isfinite(logits).all()


def test_an_item_that_cannot_be_answered_is_named(variant: Variant) -> None:
    blank = CausalItem(" ", "It rained.", "It snowed.", "effect")
    with pytest.raises(DataError, match="It rained"):
        LocalAnswerer(variant).logits([blank], lambda items: None)
