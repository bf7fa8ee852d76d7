"""Blocks: in turns between comparisons, kept when done, and gone on with."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.study.block_run import BlockRun
from loadtests.study.blocks import Budget, Summary, read_blocks, run_blocks, wanted_blocks
from loadtests.study.side import Comparison, Figures, Side
from tests.loadtests.study.stand_in import COMPARISON, QUIET, machine

OTHER = replace(COMPARISON, name="other")
ONE = Figures((0.1, 0.1), 2, 0.2, 0.1)


def test_sides_are_those_of_the_comparison(tmp_path: Path) -> None:
    run_block = machine(slower={"stilts": 3.0}, noise=0.0)
    for block in run_blocks([COMPARISON], 6, run_block, tmp_path / "runs", lambda _: None):
        assert block.second.p50 > 2 * block.first.p50


def test_the_order_is_drawn_anew_for_each_block_and_by_the_seed(tmp_path: Path) -> None:
    drawn: list[float] = []

    def run_block(_: Comparison, chance: random.Random) -> BlockRun:
        drawn.append(chance.random())
        return BlockRun(ONE, ONE, QUIET)

    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        run_blocks([COMPARISON], 3, run_block, tmp_path / folder, lambda _: None, seed)
    assert drawn[:3] == drawn[3:6]
    assert len(set(drawn)) == 6


def test_comparisons_take_turns_and_are_returned_together(tmp_path: Path) -> None:
    said: list[str] = []
    blocks = run_blocks([COMPARISON, OTHER], 2, machine(), tmp_path / "runs", said.append)
    assert [(block.comparison, block.number) for block in blocks] == [
        ("variants", 0),
        ("variants", 1),
        ("other", 0),
        ("other", 1),
    ]
    assert said == ["variants", "other"] * 2


def test_an_interrupted_study_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    kept = tmp_path / "runs"
    simulated, left = machine(), 3

    def run_block(comparison: Comparison, chance: random.Random) -> BlockRun:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        return simulated(comparison, chance)

    with pytest.raises(KeyboardInterrupt):
        run_blocks([COMPARISON], 4, run_block, kept, lambda _: None)
    before = list(read_blocks(kept))
    assert [block.number for block in before] == [0, 1]
    ran: list[str] = []
    after = run_blocks([COMPARISON], 4, simulated, kept, ran.append)
    assert after[:2] == before
    assert len(ran) == 2


def test_a_line_that_a_kill_has_cut_is_no_block(tmp_path: Path) -> None:
    kept = tmp_path / "runs"
    run_blocks([COMPARISON], 1, machine(), kept, lambda _: None)
    whole = kept.read_text("utf-8")
    kept.write_text(whole + whole[:50], "utf-8")
    assert len(list(read_blocks(kept))) == 1


def test_a_block_survives_its_file(tmp_path: Path) -> None:
    kept = tmp_path / "runs"
    blocks = run_blocks([COMPARISON], 2, machine(loud=1), kept, lambda _: None)
    assert list(read_blocks(kept)) == blocks
    assert [block.others for block in blocks] == [0.8, 0.0]


def test_a_summary_has_the_quantiles_of_the_calls() -> None:
    calls = tuple(number / 100 for number in range(101))
    summary = Summary.of(Figures(calls, items=500, seconds=50.0, cpu_seconds=25.0))
    assert (summary.calls, summary.p50) == (101, 0.5)
    assert summary.p99 == pytest.approx(0.99)
    assert (summary.items_a_second, summary.cpu_seconds_an_item) == (10.0, 0.05)


def test_slices_are_added_up() -> None:
    slices = (Figures((0.1, 0.2), 8, 0.4, 0.3), Figures((0.5,), 4, 0.6, 0.2))
    assert Figures.together(slices) == Figures((0.1, 0.2, 0.5), 12, 1.0, 0.5)


def test_no_block_begins_that_would_end_after_the_budget(tmp_path: Path) -> None:
    """A block of one comparison takes 40 seconds, one of the other 400."""
    clock = 0.0

    def run_block(comparison: Comparison, _: random.Random) -> BlockRun:
        nonlocal clock
        clock += 400.0 if comparison.name == "slow" else 40.0
        return BlockRun(ONE, ONE, QUIET)

    slow = Comparison("slow", "What?", Side("slow", "direct"), Side("slow", "stilts"))
    budget = Budget(900.0, now=lambda: clock)
    kept = tmp_path / "runs"
    blocks = run_blocks([COMPARISON, slow], 9, run_block, kept, lambda _: None, budget=budget)
    assert clock <= 900.0
    assert [block.comparison for block in blocks].count("slow") == 2
    assert [block.comparison for block in blocks].count("variants") == 2
    again = run_blocks([COMPARISON, slow], 9, run_block, kept, lambda _: None)
    assert len(again) == 18


def test_after_its_time_a_budget_has_no_room_even_for_what_takes_none() -> None:
    clock = 0.0
    budget = Budget(10.0, now=lambda: clock)
    assert (budget.left, budget.has_room("variants")) == (10.0, True)
    clock = 11.0
    assert (budget.left, budget.has_room("variants")) == (-1.0, False)


def test_without_a_budget_there_is_always_room() -> None:
    budget = Budget(None)
    assert budget.left == float("inf")
    budget.note("variants", 1e9)
    assert budget.has_room("variants")


FACTOR = Comparison(
    "bf16", "What?", Side("fp32", "stilts"), Side("bf16", "stilts", precision="bf16")
)


def test_a_factor_that_decides_nothing_has_blocks_of_its_own_number(tmp_path: Path) -> None:
    assert (COMPARISON.decides, FACTOR.decides) == (True, False)
    compared = [COMPARISON, FACTOR]
    found = run_blocks(compared, 4, machine(), tmp_path / "runs", lambda _: None, of_factors=2)
    assert [(block.comparison, block.number) for block in found] == [
        *(("variants", number) for number in range(4)),
        *(("bf16", number) for number in range(2)),
    ]
    assert wanted_blocks(compared, 4, 2) == {"variants": 4, "bf16": 2}
