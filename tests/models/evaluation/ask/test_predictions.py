"""Every run answers each distinct item once, and its logits are kept."""

from __future__ import annotations

import gc
import json
import lzma
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.tokenizer import CausalItem
from app.serving.answer import softmax
from models.evaluation.ask.items import ItemSets, distinct, english, in_language
from models.evaluation.ask.predictions import SetPredictions, load, predict_all, save
from models.evaluation.ask.predictor import Advance, EvaluationError, Run
from tests.models.evaluation.stand_ins import Oracle, predicted, run_of


def silent(run: str, items: int) -> None:
    """Show nothing."""


def test_each_distinct_item_is_asked_once_and_found_in_every_set(item_sets: ItemSets) -> None:
    oracle = Oracle("direct")
    seen: list[tuple[str, int]] = []
    predictions, revisions = predict_all(
        [run_of(oracle)], item_sets, lambda *step: seen.append(step)
    )
    assert oracle.asked == distinct(item_sets)
    assert revisions == {"direct": "direct"}
    assert {run for run, _ in seen} == {"direct"}
    assert sum(items for _, items in seen) == len(distinct(item_sets))
    for key, item_set in item_sets.items():
        expected = [oracle.answer(item) for item in item_set.items]
        assert predictions.of("direct", key).logits.tolist() == [list(pair) for pair in expected]


def test_a_seed_with_the_weights_of_its_variant_is_not_asked_again(item_sets: ItemSets) -> None:
    shipped, same, other = (
        Oracle("direct", "aa"),
        Oracle("direct/seed-1", "aa"),
        Oracle("direct/seed-2", "bb"),
    )
    runs = [run_of(each) for each in (shipped, same, other)]
    steps: list[int] = []
    predictions, _ = predict_all(runs, item_sets, lambda run, items: steps.append(items))
    assert not same.asked
    assert other.asked
    assert sum(steps) == 3 * len(distinct(item_sets))
    key = in_language("et", "test", "repaired")
    assert (predictions.logits["direct"][key] == predictions.logits["direct/seed-1"][key]).all()
    assert (predictions.logits["direct"][key] != predictions.logits["direct/seed-2"][key]).any()


def test_one_model_is_in_memory_at_a_time(item_sets: ItemSets) -> None:
    opened: list[weakref.ref[Oracle]] = []

    def open_next() -> Oracle:
        gc.collect()
        assert all(reference() is None for reference in opened)
        oracle = Oracle(f"direct/{len(opened)}")
        opened.append(weakref.ref(oracle))
        return oracle

    predict_all([Run("direct", open_next, str(seed)) for seed in range(3)], item_sets, silent)
    assert len(opened) == 3


def test_logits_that_are_no_numbers_are_refused(item_sets: ItemSets) -> None:
    class Broken(Oracle):
        def logits(self, items: Sequence[CausalItem], advance: Advance) -> NDArray[np.float64]:
            return np.full((len(items), 2), np.nan)

    with pytest.raises(EvaluationError, match="stilts"):
        predict_all([run_of(Broken("stilts"))], item_sets, silent)


def test_probabilities_are_those_that_the_service_gives(item_sets: ItemSets) -> None:
    oracle = Oracle("direct", temperature=2.5)
    predictions, _ = predict_all([run_of(oracle)], item_sets, lambda run, items: None)
    key = next(iter(item_sets))
    given = predictions.of("direct", key)
    for logits, second in zip(given.logits.tolist(), given.second.tolist(), strict=True):
        assert second == pytest.approx(softmax(logits, 2.5)[1])


def test_predictions_survive_their_file_and_hold_no_text(
    item_sets: ItemSets, tmp_path: Path
) -> None:
    predictions = predicted(item_sets, ["direct", "stilts"])
    path = tmp_path / "predictions.jsonl"
    save(predictions, path)
    again = load(path, {"stilts": 2.0})
    for run in ("direct", "stilts"):
        for key in item_sets:
            assert (again.of(run, key).logits == predictions.of(run, key).logits).all()
            assert (again.of(run, key).labels == predictions.of(run, key).labels).all()
            assert (again.ids[key] == predictions.ids[key]).all()
    assert again.of("stilts", key).temperature == 2.0
    assert again.of("direct", key).temperature == 1.0
    row = json.loads(path.read_text("utf-8").splitlines()[-1])
    assert set(row) == {"task", "split", "language", "questions", "id", "label", "logits"}


def test_compressed_predictions_are_the_same(item_sets: ItemSets, tmp_path: Path) -> None:
    predictions = predicted(item_sets, ["direct", "stilts"])
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.xz"
    save(predictions, plain)
    save(predictions, packed)
    assert lzma.decompress(packed.read_bytes()) == plain.read_bytes()
    assert load(packed, {}).logits.keys() == load(plain, {}).logits.keys()
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(EvaluationError, match=r"a\.jsonl\.xz has no predictions"):
        load(packed, {})


@pytest.mark.parametrize("content", ["no json", "{}", '{"task": "copa"}', "[]"])
def test_a_file_that_holds_no_predictions_is_one_clear_line(content: str, tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(EvaluationError, match=r"predictions\.jsonl"):
        load(path, {})
    with pytest.raises(EvaluationError, match="missing"):
        load(tmp_path / "missing", {})


def test_choices_and_probabilities_are_those_of_the_logits() -> None:
    given = SetPredictions(np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]), np.array([0, 0, 1]))
    # Of equals the service answers the first, and so does this.
    assert given.choices.tolist() == [0, 1, 0]
    assert given.right.tolist() == [1.0, 0.0, 0.0]
    exponents = np.exp(given.logits)
    assert given.second == pytest.approx(exponents[:, 1] / exponents.sum(axis=1))


def test_english_is_answered_once_for_both_readings(item_sets: ItemSets) -> None:
    assert len([key for key in item_sets if key == english("test")]) == 1
