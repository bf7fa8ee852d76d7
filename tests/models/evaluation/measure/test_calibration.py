"""Probabilities against outcomes, on examples small enough to do by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.evaluation.ask.predictions import SetPredictions
from models.evaluation.measure.calibration import (
    BINS,
    bins_of,
    calibrate,
    expected_calibration_error,
)
from models.evaluation.measure.temperature import fit_temperature


def predicted(second: list[float], labels: list[int]) -> SetPredictions:
    """Predictions that give the second choice these probabilities."""
    odds = np.log(np.array(second) / (1 - np.array(second)))
    return SetPredictions(np.stack([np.zeros_like(odds), odds], axis=1), np.array(labels))


def test_an_example_by_hand() -> None:
    # Sure at 0.9 and right twice of three times; unsure at 0.6 and right once.
    found = calibrate([predicted([0.9, 0.9, 0.1, 0.4], [1, 0, 0, 0])])
    assert (found.items, found.accuracy) == (4, 0.75)
    assert found.confidence == pytest.approx((3 * 0.9 + 0.6) / 4)
    assert found.ece == pytest.approx((3 * abs(2 / 3 - 0.9) + abs(1 - 0.6)) / 4)
    assert found.brier.value == pytest.approx((0.01 + 0.81 + 0.01 + 0.16) / 4)
    assert found.brier.low <= found.brier.value <= found.brier.high


def test_whoever_is_as_often_right_as_said_has_no_calibration_error() -> None:
    found = calibrate([predicted([0.75] * 100, [1] * 75 + [0] * 25)])
    assert found.ece == pytest.approx(0)
    assert found.brier.value == pytest.approx(0.75 * 0.25)


def test_one_half_to_everything_gets_a_quarter() -> None:
    found = calibrate([predicted([0.5] * 10, [0, 1] * 5)])
    assert found.brier.value == 0.25
    assert found.ece == pytest.approx(0)


def test_languages_are_pooled_and_their_items_kept_together() -> None:
    one = predicted([0.9, 0.2, 0.6, 0.3], [1, 1, 0, 0])
    alone, thrice = calibrate([one]), calibrate([one] * 3)
    assert thrice.items == 12
    assert thrice.brier == alone.brier
    assert thrice.ece == pytest.approx(alone.ece)


def test_bins_divide_the_confidence_that_two_choices_can_have() -> None:
    edges = np.linspace(0.5, 1, BINS + 1)
    confidence = np.concatenate([edges, [0.51, 0.99]])
    bins = bins_of(confidence, np.ones_like(confidence))
    assert (bins[0].low, bins[-1].high, len(bins)) == (0.5, 1.0, BINS)
    # Each edge belongs to the bin below it, and the least confidence to the first.
    assert [each.items for each in bins] == [3, *[1] * (BINS - 2), 2]


def test_an_empty_bin_has_no_figures() -> None:
    first, second, *_ = bins_of(np.array([0.51]), np.array([0.0]))
    assert (first.confidence, first.accuracy) == (0.51, 0.0)
    assert (second.items, second.confidence, second.accuracy) == (0, None, None)
    assert expected_calibration_error([first, second]) == pytest.approx(0.51)


def test_every_answer_is_in_a_bin() -> None:
    logits = np.random.default_rng(0).normal(size=(300, 2)) * 5
    found = calibrate([SetPredictions(logits, np.zeros(300, dtype=np.int64))])
    assert sum(each.items for each in found.bins) == 300


def test_a_temperature_changes_the_error_and_no_answer() -> None:
    """Three of four are right, and the model is far surer than that."""
    plain = predicted([0.98] * 100, [1] * 75 + [0] * 25)
    scaled = replace(plain, temperature=fit_temperature(plain.logits, plain.labels))
    found = calibrate([scaled])
    assert found.accuracy == 0.75
    assert found.temperature == scaled.temperature > 1
    assert found.ece == pytest.approx(0, abs=1e-3)
    assert found.ece_unscaled == pytest.approx(calibrate([plain]).ece) == pytest.approx(0.23)
