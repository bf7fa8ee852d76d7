"""Cascades on invented answers: the threshold from validation alone, the gain over equal cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from loadtests.study.answers import ENGLISH_TEST, NINE_TEST, REWORDED, VALIDATION
from loadtests.study.cascades import MOST_PASSES, PAIRS, cascades
from models.evaluation.ask.predictions import Predictions
from tests.loadtests.study.made import predictions


def changed(found: Predictions, keys: object) -> Predictions:
    """Turn all answers to some sets round."""
    logits = {
        run: {key: -own if key in keys else own for key, own in sets.items()}  # type: ignore[operator]
        for run, sets in found.logits.items()
    }
    return replace(found, logits=logits)


def test_every_pair_is_computed_within_its_cost_on_validation() -> None:
    found = cascades(predictions())
    assert [(each.first, each.second) for each in found] == list(PAIRS)
    assert PAIRS[-1][1] == REWORDED
    for each in found:
        assert each.validation.passes <= each.most_passes == MOST_PASSES
        assert 1 <= each.passes <= 2


def test_asking_where_the_first_is_unsure_is_better_than_asking_by_chance() -> None:
    [found, *_] = cascades(predictions(skill=2.0))
    assert found.passes > 1.02
    assert found.gain.value > 0
    assert found.gain.value == pytest.approx(found.accuracy.value - found.by_chance.value)
    assert found.p < 0.05


def test_by_chance_costs_the_same_and_lies_between_the_two_alone() -> None:
    [found, *_] = cascades(predictions())
    share = found.passes - 1
    expected = (1 - share) * found.first_alone.value + share * found.second_alone.value
    assert found.by_chance.value == pytest.approx(expected)


def test_the_test_sets_choose_nothing() -> None:
    known = predictions()
    [before, *_] = cascades(known)
    [after, *_] = cascades(changed(known, {ENGLISH_TEST, *NINE_TEST}))
    assert after.validation == before.validation
    assert after.passes == before.passes
    assert after.accuracy.value == pytest.approx(1 - before.accuracy.value)
    [other, *_] = cascades(changed(known, {VALIDATION}))
    assert other.validation != before.validation


def test_the_curve_has_the_chosen_threshold_and_both_ends() -> None:
    [found, *_] = cascades(predictions())
    passes = [each.passes for each in found.curve]
    assert passes == sorted(passes)
    assert passes[-1] == 2
    [chosen] = [each for each in found.curve if each.threshold == found.validation.threshold]
    assert chosen.passes == pytest.approx(found.passes)
    assert chosen.accuracy == pytest.approx(found.accuracy.value)


def test_two_models_that_only_guess_gain_nothing() -> None:
    gains = [cascades(predictions(seed, skill=0.0))[0].gain for seed in range(5)]
    assert sum(gain.low > 0 or gain.high < 0 for gain in gains) <= 1
    assert abs(float(np.mean([gain.value for gain in gains]))) < 0.02
