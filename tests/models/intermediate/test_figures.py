"""The figures of conditions: means of seeds, differences from the target alone, corrections."""

from __future__ import annotations

import pytest

from models.intermediate.figures import compare, condition_figures, panel_runs
from models.intermediate.measured import PANELS
from models.statistics import holm
from tests.models.intermediate.made import outcome

NONE = outcome("none", 0.5)
BETTER = outcome("mnli", 0.7)
SAME = outcome("piqa", 0.5)


def test_a_condition_has_the_mean_of_its_seeds() -> None:
    [found] = condition_figures([BETTER])
    assert found.by_seed["english"] == pytest.approx(
        {"seed-1": 0.71, "seed-2": 0.72, "seed-3": 0.73}
    )
    assert found.accuracy["english"].value == pytest.approx(0.72)
    assert found.accuracy["twins"].value == pytest.approx(0.75), "28 and one, two, three of 40"
    assert found.accuracy["nine"].low < 0.72 < found.accuracy["nine"].high


def test_a_difference_is_that_from_the_target_alone() -> None:
    none, better, same = condition_figures([NONE, BETTER, SAME])
    assert none.from_none is None
    assert better.from_none is not None
    assert same.from_none is not None
    assert better.from_none["nine"].difference.value == pytest.approx(0.2)
    assert better.from_none["nine"].difference.low > 0
    assert same.from_none["nine"].difference.value == pytest.approx(0)
    assert same.from_none["nine"].p > 0.5


def test_p_values_are_corrected_for_the_conditions_of_a_panel() -> None:
    found = condition_figures([NONE, BETTER, SAME, outcome("swag", 0.55)])
    differences = [each.from_none for each in found if each.from_none is not None]
    for panel in PANELS:
        own = [each[panel] for each in differences]
        assert [each.p_holm for each in own] == holm([each.p for each in own])


def test_without_the_target_alone_there_is_no_difference() -> None:
    assert [each.from_none for each in condition_figures([BETTER, SAME])] == [None, None]


def test_the_order_of_conditions_changes_no_figure() -> None:
    one, two = (condition_figures(each) for each in ([NONE, BETTER], [BETTER, NONE]))
    assert one == two[::-1]


def test_seeds_that_share_a_phase_are_drawn_together_and_those_of_none_are_not() -> None:
    assert panel_runs([BETTER])["nine"].groups == ("mnli",) * 3
    assert panel_runs([NONE])["nine"].groups == ("none/seed-1", "none/seed-2", "none/seed-3")


def test_a_side_may_have_several_conditions() -> None:
    both = panel_runs([BETTER, outcome("swag", 0.9)])
    assert both["english"].scores.shape == (6, 100)
    found = compare(panel_runs([NONE]), both)
    assert found["english"].difference.value == pytest.approx(0.3)
