"""Accuracy against cost: what nothing beats in both is on the front."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.study.cascades import cascades
from loadtests.study.comparisons import ENGINE
from loadtests.study.pareto import CostPoint, costs, points
from models.statistics import Estimate
from tests.loadtests.study.made import predictions, study


def accuracy(value: float) -> Estimate:
    return Estimate(value, value - 0.02, value + 0.02)


def by_name(found: tuple[CostPoint, ...]) -> dict[str, CostPoint]:
    return {each.name: each for each in found}


def test_what_costs_as_much_and_is_more_accurate_beats_the_other() -> None:
    given = {"direct": accuracy(0.5), "stilts": accuracy(0.6)}
    found = by_name(points(given, {"direct": 0.01, "stilts": 0.01}, (), {}))
    assert not found["direct"].on_front
    assert found["stilts"].on_front


def test_what_is_cheaper_and_less_accurate_is_beaten_by_nobody() -> None:
    given = {"direct": accuracy(0.5), "stilts": accuracy(0.6)}
    found = by_name(points(given, {"direct": 0.01, "stilts": 0.02}, (), {}))
    assert found["direct"].on_front
    assert found["stilts"].on_front


def test_two_that_are_equal_in_both_do_not_beat_each_other() -> None:
    given = {"direct": accuracy(0.5), "stilts": accuracy(0.5)}
    found = points(given, {"direct": 0.01, "stilts": 0.01}, (), {})
    assert all(each.on_front for each in found)


def test_a_cascade_costs_its_passes_unless_it_was_run() -> None:
    computed = cascades(predictions())
    cost = {"direct": 0.01, "stilts": 0.02}
    found = by_name(points({}, cost, computed, {"direct, then stilts": 0.5}))
    assert found["direct, then stilts"].cpu_seconds == 0.5
    assert found["direct, then stilts"].measured
    turned = found["stilts, then direct"]
    assert turned.cpu_seconds == pytest.approx(0.02 + (computed[1].passes - 1) * 0.01)
    assert not turned.measured
    reworded = computed[2]
    assert found[reworded.name].cpu_seconds == pytest.approx(0.02 * reworded.passes)


def test_without_costs_there_are_no_points() -> None:
    assert points({"direct": accuracy(0.5)}, {}, cascades(predictions()), {}) == ()


def test_costs_are_the_processor_time_of_a_comparison(tmp_path: Path) -> None:
    found = study(tmp_path, slower={"stilts": 2.0}).findings
    cost = costs(found, ENGINE.name)
    assert cost["stilts"] == pytest.approx(2 * cost["direct"], rel=0.05)
    assert costs(found, "nothing of that name") == {}
