"""Figures of a cross-validation, on answers small enough to count by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.crossvalidation.outcome import ENSEMBLE, OutOfFold, difference, figures, mean_of_seeds
from models.evaluation.ask.predictor import EvaluationError

LEFT, RIGHT = (2.0, 0.0), (0.0, 2.0)


def answers(*seeds: tuple[tuple[float, float], ...]) -> OutOfFold:
    """Two pairs of twins: 1 with 1001, and 2 with 1002; in all the first choice is right."""
    logits = {f"seed-{n}": np.array(own) for n, own in enumerate(seeds, start=1)}
    return OutOfFold((1, 1001, 2, 1002), (0, 0, 0, 0), logits)


BOTH = answers((LEFT, LEFT, LEFT, RIGHT), (LEFT, RIGHT, RIGHT, RIGHT))


def test_a_model_has_its_share_of_items_and_of_pairs() -> None:
    first, second, ensemble = figures(BOTH)
    assert (first.name, first.accuracy.value, first.both_right.value) == ("seed-1", 0.75, 0.5)
    assert (second.name, second.accuracy.value, second.both_right.value) == ("seed-2", 0.25, 0.0)
    assert ensemble.name == ENSEMBLE
    assert mean_of_seeds(BOTH).value == 0.5


def test_the_ensemble_is_as_sure_as_the_mean_of_its_members() -> None:
    weak, strong = (LEFT, LEFT, LEFT, LEFT), ((0.0, 9.0), LEFT, LEFT, LEFT)
    *_, ensemble = figures(answers(weak, strong))
    assert ensemble.accuracy.value == 0.75, "the surer one has its way"


def test_one_seed_has_no_ensemble() -> None:
    [only] = figures(answers((LEFT,) * 4))
    assert only.name == "seed-1"


def test_calibration_is_before_and_after_the_temperature() -> None:
    sure = answers(((9.0, 0.0), (9.0, 0.0), (9.0, 0.0), (0.0, 9.0)))
    [found] = figures(sure)
    assert found.ece == pytest.approx(0.25, abs=1e-3)
    assert found.ece_scaled == pytest.approx(0, abs=1e-3)
    assert found.temperature == pytest.approx(9 / np.log(3), rel=1e-3)


def test_folds_are_joined_in_their_order() -> None:
    one, two = answers((LEFT,) * 4), answers((RIGHT,) * 4)
    joined = OutOfFold.joined([one, two])
    assert joined.numbers == (1, 1001, 2, 1002) * 2
    assert joined.labels == (0,) * 8
    assert joined.logits["seed-1"].tolist() == [list(LEFT)] * 4 + [list(RIGHT)] * 4


def test_two_recipes_are_compared_pair_by_pair() -> None:
    better, worse = answers((LEFT,) * 4), answers((LEFT, RIGHT, LEFT, RIGHT))
    estimate, p = difference(worse, better, "seed-1")
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.5, 0.5)
    assert p < 0.01
    assert difference(better, better, "seed-1")[1] == 1.0


def test_logits_are_written_without_texts(tmp_path: Path) -> None:
    BOTH.save(tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert rows[1] == {
        "id": 1001,
        "label": 0,
        "logits": {"seed-1": list(LEFT), "seed-2": list(RIGHT)},
    }


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.xz"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    BOTH.save(tmp_path / name)
    read = OutOfFold.load(tmp_path / name)
    assert (read.numbers, read.labels) == (BOTH.numbers, BOTH.labels)
    assert figures(read) == figures(BOTH)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"id": 1}', "no JSON"])
def test_what_is_no_answers_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text(content)
    with pytest.raises(EvaluationError, match=r"out\.jsonl has no answers out of fold"):
        OutOfFold.load(path)


def test_a_file_that_is_cut_is_named(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl.xz"
    BOTH.save(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(EvaluationError, match=r"out\.jsonl\.xz has no answers out of fold"):
        OutOfFold.load(path)
