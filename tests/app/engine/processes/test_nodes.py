"""Engines stay on one node of memory each, where Linux describes several; else nothing is bound."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.engine.plan import EnginePlan
from app.engine.processes import nodes
from app.engine.processes.apart import apart
from app.engine.processes.nodes import bind, spread, usable_nodes

FREE = frozenset[int]()


def machine(root: Path, cpus: Mapping[int, str]) -> Path:
    """Write as much of sysfs as is read."""
    for node, listed in cpus.items():
        (root / f"node{node}").mkdir()
        (root / f"node{node}/cpulist").write_text(listed + "\n")
    (root / "possible").write_text("0-9\n")
    return root


def allow(monkeypatch: pytest.MonkeyPatch, *cpus: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(cpus), raising=False)


def test_nodes_are_read_in_the_order_of_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, *range(20))
    root = machine(tmp_path, {10: "12", 2: "4,6-7", 0: "0-3"})
    assert usable_nodes(root) == [{0, 1, 2, 3}, {4, 6, 7}, {12}]


def test_only_processors_that_may_be_used_count_and_nodes_without_any_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, 1, 2, 5)
    root = machine(tmp_path, {0: "0-3", 1: "4-7", 2: "8-11", 3: ""})
    assert usable_nodes(root) == [{1, 2}, {5}]


def test_a_machine_that_says_nothing_of_nodes_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert usable_nodes(tmp_path / "nothing") == []
    (tmp_path / "node0").mkdir()
    assert usable_nodes(tmp_path) == []
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_nodes(machine(tmp_path / "node0", {0: "0", 1: "1"})) == []


def on(first: int, count: int) -> frozenset[int]:
    return frozenset(range(first, first + count))


def test_engines_are_spread_evenly_over_equal_nodes() -> None:
    near, far = on(0, 8), on(8, 8)
    assert spread(EnginePlan(4, 4), [near, far]) == [near, near, far, far]
    assert spread(EnginePlan(2, 2), [near, far]) == [near, far]


def test_a_node_with_more_processors_gets_more_engines() -> None:
    large, small = on(0, 6), on(6, 2)
    assert spread(EnginePlan(8, 1), [large, small]) == [large] * 6 + [small] * 2
    assert spread(EnginePlan(4, 2), [large, small]) == [large] * 3 + [small]


@pytest.mark.parametrize("plan", [EnginePlan(1, 16), EnginePlan(3, 5), EnginePlan(20, 1)])
def test_engines_that_do_not_fit_into_nodes_are_not_bound(plan: EnginePlan) -> None:
    assert spread(plan, [on(0, 8), on(8, 8)]) == [FREE] * plan.engines


def test_one_node_binds_nothing() -> None:
    assert spread(EnginePlan(2, 1), [on(0, 8)]) == [FREE, FREE]
    assert spread(EnginePlan(2, 1), []) == [FREE, FREE]


def bound_to(question: tuple[EnginePlan, int, Path]) -> set[int]:
    bind(*question)
    return os.sched_getaffinity(0)


def test_an_engine_runs_on_its_node_and_the_one_that_asks_does_not_change(tmp_path: Path) -> None:
    before = sorted(os.sched_getaffinity(0))
    if len(before) == 1:
        pytest.skip("this machine has one processor")
    first, *rest = before
    root = machine(tmp_path, {0: f"{first}", 1: ",".join(map(str, rest))})
    plan = EnginePlan(2, 1)
    bound = [apart(bound_to, (plan, number, root)) for number in range(2)]
    assert bound in ([{first}, set(rest)], [set(rest), set(rest)])
    assert sorted(os.sched_getaffinity(0)) == before


def test_a_system_that_refuses_leaves_the_engine_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    allow(monkeypatch, 0, 1)
    monkeypatch.setattr(os, "sched_setaffinity", refuse, raising=False)
    bind(EnginePlan(2, 1), 0, machine(tmp_path, {0: "0", 1: "1"}))


def test_the_nodes_of_this_machine_are_looked_at_where_none_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, 0, 1)
    asked: list[tuple[int, set[int]]] = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda *how: asked.append(how), raising=False)
    monkeypatch.setattr(nodes, "NODES", machine(tmp_path, {0: "0", 1: "1"}))
    bind(EnginePlan(2, 1), 1)
    assert asked == [(0, {1})], "0 is whoever asks"
