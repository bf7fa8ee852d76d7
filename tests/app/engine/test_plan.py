"""How many engines there are: by the threads, the devices, the setting and the system."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.engine.plan import (
    MOST_CANDIDATES,
    MOST_ENGINES,
    EnginePlan,
    MeasuredPlan,
    candidates,
    in_process,
    plan_engines,
)
from app.errors import StartError


@pytest.mark.parametrize(
    ("threads", "plan"),
    [
        (1, (1, 1)),
        (2, (2, 1)),
        (8, (8, 1)),
        (9, (8, 1)),
        (12, (6, 2)),
        (16, (8, 2)),
        (44, (4, 11)),
        (64, (8, 8)),
    ],
)
def test_threads_are_shared_out_over_at_most_eight_engines(
    threads: int, plan: tuple[int, int]
) -> None:
    assert plan_engines("auto", threads, devices=0) == EnginePlan(*plan)


def test_no_more_threads_run_than_there_are_and_few_are_left_out() -> None:
    for threads in range(1, 200):
        plan = EnginePlan.of(threads)
        assert threads - plan.engines < plan.engines * plan.threads <= threads


@pytest.mark.parametrize(
    ("setting", "threads", "plan"), [(1, 8, (1, 8)), (3, 8, (3, 2)), (5, 2, (5, 1))]
)
def test_a_number_that_is_set_stands(setting: int, threads: int, plan: tuple[int, int]) -> None:
    assert plan_engines(setting, threads, devices=0) == EnginePlan(*plan)
    assert plan_engines(setting, threads, devices=4).engines == setting


def test_each_device_gets_an_engine() -> None:
    assert plan_engines("auto", 16, devices=4) == EnginePlan(4, 4)
    assert plan_engines("auto", 2, devices=4) == EnginePlan(4, 1)
    assert plan_engines("auto", 7, devices=2) == EnginePlan(2, 3)


def test_the_process_of_the_service_computes_if_it_is_told_so_or_cannot_fork() -> None:
    assert in_process(0, "linux")
    assert in_process(0, "darwin")
    assert in_process("auto", "darwin")
    assert in_process("auto", "win32")
    assert not in_process("auto", "linux")
    assert not in_process(2, "linux")


def test_engines_that_the_system_cannot_have_are_refused_by_the_name_of_the_setting() -> None:
    says = (
        "^XCOPA_ENGINES is 2, and engines in processes of their own need Linux; set it to auto or "
        "0$"
    )
    with pytest.raises(StartError, match=says):
        in_process(2, "darwin")


def named(plans: Sequence[EnginePlan]) -> list[str]:
    return [str(plan) for plan in plans]


@pytest.mark.parametrize(
    ("threads", "plans"),
    [
        (1, ["1 x 1"]),
        (2, ["2 x 1", "1 x 2"]),
        (7, ["7 x 1", "1 x 7"]),
        (8, ["8 x 1", "4 x 2", "2 x 4", "1 x 8"]),
        (13, ["6 x 2", "13 x 1", "3 x 4", "1 x 13"]),
        (16, ["8 x 2", "16 x 1", "4 x 4", "2 x 8"]),
        (64, ["8 x 8", "16 x 4", "4 x 16", "2 x 32"]),
    ],
)
def test_a_few_plans_are_measured_and_the_one_without_measuring_is_first(
    threads: int, plans: list[str]
) -> None:
    assert named(candidates("auto", threads, devices=0)) == plans


def test_plans_that_are_measured_use_no_more_threads_than_there_are_and_nearly_all() -> None:
    for threads in range(1, 200):
        plans = candidates("auto", threads, devices=0)
        assert plans[0] == EnginePlan.of(threads)
        assert 1 <= len(plans) <= MOST_CANDIDATES
        for plan in plans:
            assert 7 / 8 * threads <= plan.engines * plan.threads <= threads
            assert plan.engines <= MOST_ENGINES


def test_engines_that_memory_has_no_room_for_are_not_measured() -> None:
    assert named(candidates("auto", 16, 0, most_engines=4)) == ["8 x 2", "4 x 4", "2 x 8", "1 x 16"]
    assert named(candidates("auto", 16, 0, most_engines=0)) == ["8 x 2"]


def test_a_number_that_is_set_and_devices_leave_nothing_to_measure() -> None:
    assert candidates(3, 8, devices=0) == (EnginePlan(3, 2),)
    assert candidates("auto", 16, devices=4) == (EnginePlan(4, 4),)


def measured(engines: int, rate: float, lone: float) -> MeasuredPlan:
    return MeasuredPlan(engines, 8 // engines, rate, lone)


def test_the_highest_rate_wins_unless_one_nearby_has_a_shorter_lone_item() -> None:
    rule = EnginePlan(8, 1)
    fast, near, far = measured(4, 1_000, 0.5), measured(2, 950, 0.4), measured(1, 949, 0.1)
    assert EnginePlan.best([fast, near, far], rule) == EnginePlan(2, 4)
    assert EnginePlan.best([fast, far], rule) == EnginePlan(4, 2)


def test_the_gain_is_over_the_plan_that_is_taken_without_measuring() -> None:
    rule = EnginePlan(8, 1)
    plans = [measured(8, 800, 0.5), measured(4, 1_000, 0.5)]
    assert EnginePlan.best(plans, rule).gain == 1.25
    assert EnginePlan.best(plans, rule).measured == tuple(plans)
    assert EnginePlan.best(plans[:1], rule).gain == 1.0
    assert EnginePlan.best(plans[1:], rule).gain == 1.0, "nothing is known of the rule"
    assert EnginePlan(2, 1).gain == 1.0
