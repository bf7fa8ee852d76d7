"""How many engines there are: by the threads, the devices, the setting and the system."""

from __future__ import annotations

import pytest

from app.engine.plan import EnginePlan, in_process, plan_engines
from app.errors import StartError


@pytest.mark.parametrize(
    ("threads", "plan"),
    [(1, (1, 1)), (2, (2, 1)), (8, (8, 1)), (9, (8, 1)), (12, (6, 2)), (16, (8, 2)), (64, (8, 8))],
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


def test_the_process_of_the_service_computes_if_it_is_told_so_or_cannot_fork() -> None:
    assert in_process(0, "linux")
    assert in_process(0, "darwin")
    assert in_process("auto", "darwin")
    assert in_process("auto", "win32")
    assert not in_process("auto", "linux")
    assert not in_process(2, "linux")


def test_engines_that_the_system_cannot_have_are_refused_by_the_name_of_the_setting() -> None:
    with pytest.raises(StartError, match=r"XCOPA_ENGINES is 2.*Linux.*auto or 0"):
        in_process(2, "darwin")
