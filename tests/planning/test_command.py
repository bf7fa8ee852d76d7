"""A plan from beginning to end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planning.balancing import BALANCERS
from planning.command import PlanQuestion, plan
from planning.report import PlanReport
from planning.simulation import Fleet
from planning.study import LOADS, Goal
from planning.traffic import Traffic
from tests.planning.examples import BRIEF, untold, usual

QUESTION = PlanQuestion(
    Fleet(usual(), 1), Traffic(500.0), Goal(0.2, 1), (1, 2), replace(BRIEF, most_replicas=16)
)


@pytest.fixture(scope="module")
def report() -> PlanReport:
    return plan(QUESTION, untold)


@pytest.mark.slow
def test_each_size_is_planned_and_the_one_with_the_fewest_engines_taken(
    report: PlanReport,
) -> None:
    assert [size.engines for size in report.sizes] == [1, 2]
    engines = [size.engines * size.replicas for size in report.sizes]
    assert report.best.engines * report.best.replicas == min(engines)
    assert report.fleet.replicas == report.best.replicas
    assert report.fleet.speed.engines == report.best.engines


@pytest.mark.slow
def test_all_policies_are_drawn_and_a_loss_is_simulated(report: PlanReport) -> None:
    assert len(report.loads) == len(BALANCERS) * len(LOADS)
    assert {each.replicas for _, each in report.loads} == {report.best.replicas}
    assert report.loss is not None
    assert report.loss.replicas == 1
    assert report.whole is None


def test_the_only_replica_is_not_lost() -> None:
    alone = replace(QUESTION, traffic=Traffic(10.0), goal=Goal(0.5), engines=(2,))
    found = plan(alone, untold)
    assert (found.best.replicas, found.loss) == (1, None)


@pytest.mark.slow
def test_a_fleet_that_is_represented_is_simulated_whole_at_the_end() -> None:
    many = replace(QUESTION, engines=(1,), effort=replace(BRIEF, most_replicas=2))
    found = plan(many, untold)
    assert found.whole is not None
    assert found.whole.replicas == found.best.replicas
    assert found.loads[0][1].simulated == 2
