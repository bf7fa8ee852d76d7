"""Counts of right answers become the figures of a language and of a mean."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.ask.items import in_language
from models.evaluation.ask.predictions import Predictions
from models.evaluation.measure.accuracy import Reading, measure
from models.evaluation.measure.languages import GROUPS, UNSEEN
from models.statistics import holm, mcnemar, wilson
from models.tasks.sets import xcopa

ITEMS = 200
LANGUAGES = ("en", *xcopa.LANGUAGES)


@pytest.fixture(scope="module")
def right() -> dict[str, np.ndarray]:
    """Languages by items: direct is right in 60 %, stilts in 70 %, but by chance in two."""
    generator = np.random.default_rng(1)
    shares = {"direct": 0.6, "stilts": 0.7}
    chances = {
        name: np.where([[language in UNSEEN] for language in LANGUAGES], 0.5, share)
        for name, share in shares.items()
    }
    return {
        name: generator.random((len(LANGUAGES), ITEMS)) < chance for name, chance in chances.items()
    }


@pytest.fixture(scope="module")
def reading(right: dict[str, np.ndarray]) -> Reading:
    keys = [in_language(language, "test", "repaired") for language in LANGUAGES]
    labels = np.arange(ITEMS) % 2
    logits = {
        name: {key: chosen(own, labels) for key, own in zip(keys, table, strict=True)}
        for name, table in right.items()
    }
    ids = dict.fromkeys(keys, np.arange(ITEMS))
    return measure(Predictions(ids, dict.fromkeys(keys, labels), logits), "test", "repaired")


def chosen(right: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Logits that choose the label where it is to be right."""
    choices = np.where(right, labels, 1 - labels)
    return np.eye(2)[choices]


def test_a_language_counts_right_answers(reading: Reading, right: dict[str, np.ndarray]) -> None:
    assert [each.language for each in reading.languages] == list(LANGUAGES)
    for each, direct, stilts in zip(
        reading.languages, right["direct"], right["stilts"], strict=True
    ):
        assert each.items == ITEMS
        assert each.accuracy["direct"] == wilson(int(direct.sum()), ITEMS)
        assert each.difference.value == pytest.approx(stilts.mean() - direct.mean())
        assert each.direct_only == (direct & ~stilts).sum()
        assert each.stilts_only == (stilts & ~direct).sum()
        assert each.p == mcnemar(each.direct_only, each.stilts_only)
        assert each.agreement == pytest.approx((direct == stilts).mean())
        assert each.kappa is not None
        assert each.kappa < each.agreement


def test_p_values_are_corrected_over_all_twelve_languages(reading: Reading) -> None:
    corrected = holm([each.p for each in reading.languages])
    assert [each.p_holm for each in reading.languages] == corrected
    assert len(corrected) == 12


def test_means_are_those_of_nine_eleven_and_the_two_that_were_never_seen(
    reading: Reading, right: dict[str, np.ndarray]
) -> None:
    sizes = {each.group: len(each.languages) for each in reading.means}
    assert sizes == {"nine": 9, "eleven": 11, "two": 2}
    for each in reading.means:
        rows = [LANGUAGES.index(language) for language in GROUPS[each.group]]
        direct, stilts = right["direct"][rows], right["stilts"][rows]
        assert each.accuracy["stilts"].value == pytest.approx(stilts.mean())
        assert each.difference.value == pytest.approx(stilts.mean() - direct.mean())
        assert each.difference.low < each.difference.value < each.difference.high


def test_tests_find_what_is_there_and_not_what_is_not(reading: Reading) -> None:
    nine, _, two = reading.means
    assert nine.p < 0.01
    assert max(nine.p_above_chance.values()) < 0.01
    assert two.p > 0.05
    assert min(two.p_above_chance.values()) > 0.05


def test_calibration_is_of_each_language_and_of_the_nine(reading: Reading) -> None:
    items = {group: own["stilts"].items for group, own in reading.calibration.items()}
    assert items.pop("nine") == 9 * ITEMS
    assert items == dict.fromkeys(("en", *xcopa.LANGUAGES), ITEMS)
