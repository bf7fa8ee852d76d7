"""Several seeds: their spread, and the comparison of their averages."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.ask.items import ItemSets, in_language
from models.evaluation.ask.predictions import Predictions
from models.evaluation.measure.seeds import SeedGroup, compare_seeds
from models.statistics import Estimate
from models.tasks.sets import xcopa
from tests.models.evaluation.stand_ins import predicted


@pytest.fixture(scope="module")
def predictions(item_sets: ItemSets) -> Predictions:
    runs = ["direct", "stilts", "direct/seed-1", "direct/seed-2", "direct/seed-10"]
    return predicted(item_sets, [*runs, "stilts/seed-1", "stilts/seed-2"])


@pytest.fixture(scope="module")
def nine(predictions: Predictions) -> SeedGroup:
    groups = compare_seeds(predictions, "test", ["upstream", "repaired"])
    [found] = [each for each in groups if (each.questions, each.group) == ("repaired", "nine")]
    return found


def accuracy(predictions: Predictions, run: str) -> float:
    languages = [language for language in xcopa.LANGUAGES if language not in ("ht", "qu")]
    keys = [in_language(language, "test", "repaired") for language in languages]
    return float(np.mean([predictions.of(run, key).right for key in keys]))


def test_every_group_is_reported_under_every_reading(predictions: Predictions) -> None:
    groups = compare_seeds(predictions, "test", ["upstream", "repaired"])
    assert [(each.questions, each.group) for each in groups] == [
        (questions, group)
        for questions in ("upstream", "repaired")
        for group in ("en", "nine", "eleven")
    ]


def test_the_spread_is_that_of_the_seeds_accuracies(
    predictions: Predictions, nine: SeedGroup
) -> None:
    direct = nine.variants["direct"]
    assert list(direct.by_seed) == ["seed-1", "seed-2", "seed-10"]
    values = [accuracy(predictions, f"direct/{seed}") for seed in direct.by_seed]
    assert list(direct.by_seed.values()) == pytest.approx(values)
    assert direct.mean == pytest.approx(np.mean(values))
    assert direct.deviation == pytest.approx(np.std(values, ddof=1))
    assert (direct.lowest, direct.highest) == pytest.approx((min(values), max(values)))


def test_the_average_of_seeds_is_compared_by_item(nine: SeedGroup) -> None:
    assert nine.difference is not None
    direct, stilts = nine.variants["direct"], nine.variants["stilts"]
    assert direct.items.value == pytest.approx(direct.mean)
    assert nine.difference.value == pytest.approx(stilts.mean - direct.mean)
    assert nine.difference.low < nine.difference.value < nine.difference.high
    assert nine.p is not None
    assert 0 < nine.p <= 1


def test_the_ensemble_answers_by_the_mean_of_the_logits(
    predictions: Predictions, nine: SeedGroup
) -> None:
    languages = [language for language in xcopa.LANGUAGES if language not in ("ht", "qu")]
    right = []
    for key in [in_language(language, "test", "repaired") for language in languages]:
        seeds = [predictions.of(f"stilts/seed-{number}", key) for number in (1, 2)]
        together = (seeds[0].logits + seeds[1].logits) / 2
        right.append(together.argmax(axis=1) == seeds[0].labels)
    ensemble = nine.variants["stilts"].ensemble
    assert ensemble is not None
    assert ensemble.value == pytest.approx(np.mean(right))
    assert ensemble.low < ensemble.value < ensemble.high


def test_other_seeds_would_differ_more_than_other_items_alone(nine: SeedGroup) -> None:
    assert nine.difference is not None
    assert nine.difference_of_both is not None
    assert nine.difference_of_both.value == pytest.approx(nine.difference.value)
    assert width(nine.difference_of_both) > width(nine.difference)
    for variant in nine.variants.values():
        assert variant.both is not None
        assert variant.both.value == pytest.approx(variant.mean)
        assert width(variant.both) > width(variant.items)


def test_seeds_with_an_earlier_phase_in_common_are_drawn_together(predictions: Predictions) -> None:
    together = dict.fromkeys(("direct/seed-1", "direct/seed-2"), "phase 1 of seed 1")
    apart, joined = (
        compare_seeds(predictions, "test", ["upstream"], lineages)[0].variants["direct"].both
        for lineages in ({}, together)
    )
    assert apart is not None
    assert joined is not None
    assert joined.value == apart.value
    assert width(joined) > width(apart)


def width(estimate: Estimate) -> float:
    return estimate.high - estimate.low


def test_one_seed_has_no_deviation_and_one_variant_no_difference(item_sets: ItemSets) -> None:
    runs = ["direct", "stilts", "stilts/seed-4"]
    group, *_ = compare_seeds(predicted(item_sets, runs), "test", ["upstream"])
    assert list(group.variants) == ["stilts"]
    assert group.variants["stilts"].deviation is None
    assert group.variants["stilts"].ensemble is None
    assert (group.difference, group.p) == (None, None)


def test_without_seeds_there_is_nothing_to_report(item_sets: ItemSets) -> None:
    assert compare_seeds(predicted(item_sets, ["direct", "stilts"]), "test", ["upstream"]) == ()
