"""Several seeds: their spread, and the comparison of their averages."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.answers import Answers
from models.evaluation.seeds import Group, compare_seeds
from models.evaluation.sheets import Sheets, in_language
from models.tasks import xcopa
from tests.models.evaluation.stand_ins import answered


@pytest.fixture(scope="module")
def answers(sheets: Sheets) -> Answers:
    runs = ["direct", "stilts", "direct/seed-1", "direct/seed-2", "direct/seed-10"]
    return answered(sheets, [*runs, "stilts/seed-1", "stilts/seed-2"])


@pytest.fixture(scope="module")
def nine(answers: Answers) -> Group:
    groups = compare_seeds(answers, "test", ["upstream", "repaired"])
    [found] = [each for each in groups if (each.questions, each.group) == ("repaired", "nine")]
    return found


def accuracy(answers: Answers, run: str) -> float:
    languages = [language for language in xcopa.LANGUAGES if language not in ("ht", "qu")]
    keys = [in_language(language, "test", "repaired") for language in languages]
    return float(np.mean([answers.of(run, key).right for key in keys]))


def test_every_group_is_reported_under_every_reading(answers: Answers) -> None:
    groups = compare_seeds(answers, "test", ["upstream", "repaired"])
    assert [(each.questions, each.group) for each in groups] == [
        (questions, group)
        for questions in ("upstream", "repaired")
        for group in ("en", "nine", "eleven")
    ]


def test_the_spread_is_that_of_the_seeds_accuracies(answers: Answers, nine: Group) -> None:
    direct = nine.variants["direct"]
    assert list(direct.by_seed) == ["seed-1", "seed-2", "seed-10"]
    values = [accuracy(answers, f"direct/{seed}") for seed in direct.by_seed]
    assert list(direct.by_seed.values()) == pytest.approx(values)
    assert direct.mean == pytest.approx(np.mean(values))
    assert direct.deviation == pytest.approx(np.std(values, ddof=1))
    assert (direct.lowest, direct.highest) == pytest.approx((min(values), max(values)))


def test_the_average_of_seeds_is_compared_by_item(nine: Group) -> None:
    assert nine.difference is not None
    direct, stilts = nine.variants["direct"], nine.variants["stilts"]
    assert direct.items.value == pytest.approx(direct.mean)
    assert nine.difference.value == pytest.approx(stilts.mean - direct.mean)
    assert nine.difference.low < nine.difference.value < nine.difference.high
    assert nine.p is not None
    assert 0 < nine.p <= 1


def test_one_seed_has_no_deviation_and_one_variant_no_difference(sheets: Sheets) -> None:
    runs = ["direct", "stilts", "stilts/seed-4"]
    group, *_ = compare_seeds(answered(sheets, runs), "test", ["upstream"])
    assert list(group.variants) == ["stilts"]
    assert group.variants["stilts"].deviation is None
    assert (group.difference, group.p) == (None, None)


def test_without_seeds_there_is_nothing_to_report(sheets: Sheets) -> None:
    assert compare_seeds(answered(sheets, ["direct", "stilts"]), "test", ["upstream"]) == ()
