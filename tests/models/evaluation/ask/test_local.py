"""A model that is loaded here answers in batches as it does alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.engine.engine import Engine, Row
from app.engine.tokenizer import CausalItem
from app.weights.variant import Variant, load_variants
from models.evaluation.ask.items import ItemSets, distinct
from models.evaluation.ask.local import LocalPredictor
from models.evaluation.ask.predictor import Unanswered
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


def test_an_item_that_cannot_be_read_leaves_the_others_alone(variant: Variant) -> None:
    good = [CausalItem(f"It rained {n} times.", "Wet.", "Dry.", "effect") for n in range(5)]
    long = CausalItem("word " * 400, "Wet.", "Dry.", "effect")
    found = LocalPredictor(variant).outcomes([*good[:2], long, *good[2:]])
    refused = found.pop(2)
    assert isinstance(refused, Unanswered)
    assert refused.errors[0].field == "premise"
    expected = LocalPredictor(variant).outcomes(good)
    assert np.array(found) == pytest.approx(np.array(expected), abs=1e-4)


class Watched:
    """An engine that keeps the lengths of its batches, and fails where a row is too long for it."""

    def __init__(self, engine: Engine, most: int = 1_000) -> None:
        self.batches: list[list[int]] = []
        self._engine = engine
        self._most = most

    def logits(self, rows: Sequence[Row]) -> Sequence[float]:
        self.batches.append([len(row) for row in rows])
        if max(self.batches[-1]) > self._most:
            raise RuntimeError("out of memory")
        return self._engine.logits(rows)

    def warm_up(self) -> None:
        self._engine.warm_up()


def of_lengths(*words: int) -> list[CausalItem]:
    return [CausalItem("rain " * count, "Wet.", "Dry.", "effect") for count in words]


def test_batches_hold_like_lengths_within_the_budget(variant: Variant) -> None:
    engine = Watched(variant.engine)
    items = of_lengths(*[2, 20] * 10, 70)
    found = LocalPredictor(replace(variant, engine=engine), batch_tokens=300).outcomes(items)
    assert len(found) == len(items)
    assert all(sum(batch) <= 300 or len(batch) == 2 for batch in engine.batches)
    lengths = [length for batch in engine.batches for length in batch]
    assert lengths == sorted(lengths)


def test_a_batch_that_fails_is_run_again_by_halves(variant: Variant) -> None:
    engine = Watched(variant.engine, most=100)
    items = of_lengths(3, 60, 4, 5)
    found = LocalPredictor(replace(variant, engine=engine)).outcomes(items)
    assert isinstance(found[1], Unanswered)
    assert "out of memory" in found[1].detail
    assert [isinstance(each, Unanswered) for each in found] == [False, True, False, False]
