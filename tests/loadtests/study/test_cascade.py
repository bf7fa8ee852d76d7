"""A cascade asks the second model where the first is unsure, and nobody else."""

from __future__ import annotations

import numpy as np
import pytest

from loadtests.study.cascade import ALWAYS, Operating, choose, confidence, operate, sweep
from models.evaluation.ask.predictions import SetPredictions

LABELS = np.array([0, 0, 0, 0])
FIRST = SetPredictions(np.array([[4.0, 0.0], [0.5, 0.0], [0.0, 0.2], [0.0, 3.0]]), LABELS)
"""Right and sure, right and unsure, wrong and unsure, wrong and sure."""
SECOND = SetPredictions(np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]), LABELS)
"""Wrong, wrong, right, right."""


def test_nobody_is_asked_where_the_first_is_always_sure_enough() -> None:
    assert operate(FIRST, SECOND, 0.0) == Operating(0.0, 1.0, 0.5)


def test_everybody_is_asked_where_nothing_is_sure_enough() -> None:
    assert operate(FIRST, SECOND, ALWAYS) == Operating(ALWAYS, 2.0, 0.5)


def test_in_between_the_unsure_ones_are_asked() -> None:
    assert operate(FIRST, SECOND, 0.6) == Operating(0.6, 1.25, 0.75)
    assert operate(FIRST, SECOND, 0.8) == Operating(0.8, 1.5, 0.5)


def test_confidence_is_that_of_the_answer_that_was_given() -> None:
    assert confidence(FIRST)[3] == pytest.approx(1 / (1 + np.exp(-3)))
    assert (confidence(FIRST) >= 0.5).all()


def test_a_temperature_moves_the_threshold_and_not_the_order() -> None:
    warm = SetPredictions(FIRST.logits, LABELS, temperature=3.0)
    assert [point.passes for point in sweep(warm, SECOND)] == [
        point.passes for point in sweep(FIRST, SECOND)
    ]


def test_a_sweep_goes_from_one_pass_to_two() -> None:
    points = sweep(FIRST, SECOND)
    assert (points[0].passes, points[-1].passes) == (1.0, 2.0)
    passes = [point.passes for point in points]
    assert passes == sorted(passes)


def test_the_best_within_a_cost_is_chosen_and_of_equals_the_cheapest() -> None:
    points = sweep(FIRST, SECOND)
    assert choose(points, 2.0).accuracy == max(point.accuracy for point in points)
    assert choose(points, 1.0).passes == 1.0
    equal = [Operating(0.1, 1.4, 0.7), Operating(0.2, 1.2, 0.7), Operating(0.3, 1.9, 0.6)]
    assert choose(equal, 2.0) == equal[1]
