"""How long a study takes: the plan fits into its time, and the page says how much."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from loadtests.study.block_run import BlockRun
from loadtests.study.blocks import Budget, run_blocks
from loadtests.study.comparisons import ENGINE, SATURATED, SHAPES, of_shape, planned
from loadtests.study.setting import FULL, QUICK, StudyEffort
from loadtests.study.side import Comparison, Figures
from loadtests.study.times import LONGER_START_S, START_S, block_seconds
from tests.loadtests.study.stand_in import QUIET

ONE = Figures((0.1,), 1, 0.1, 0.1)

ANSWERS_S = 300.0
"""What is left for the answers of cascades, and for measuring the token budget."""


def blocks_within(effort: StudyEffort, shapes: tuple[str, ...], folder: Path) -> dict[str, int]:
    """Run a study on a clock that goes by the plan; return the blocks of each comparison."""
    plan = planned(effort.quick, shapes, threshold=0.7)
    clock = 0.0

    def run_block(comparison: Comparison, _: random.Random) -> BlockRun:
        nonlocal clock
        clock += block_seconds(comparison, effort)
        return BlockRun(ONE, ONE, QUIET)

    budget = Budget(60 * effort.minutes - ANSWERS_S, now=lambda: clock)
    how = (effort.blocks, run_block, folder / "runs", lambda _: None, 0, budget)
    done = run_blocks(plan, *how, effort.factor_blocks)
    assert clock <= 60 * effort.minutes
    return {
        each.name: sum(block.comparison == each.name for block in done)
        for each in plan
        if each.decides or shapes
    }


def test_in_a_block_each_side_starts_once() -> None:
    turns = FULL.seconds + FULL.warm_up
    assert block_seconds(ENGINE, FULL) == 2 * (START_S + turns)
    assert block_seconds(SATURATED, FULL) == 2 * (LONGER_START_S["http"] + turns)
    assert block_seconds(of_shape("large"), FULL) == START_S + LONGER_START_S["large"] + 2 * turns


def test_the_shapes_were_left_out_although_there_is_time_for_them(tmp_path: Path) -> None:
    found = blocks_within(FULL, SHAPES, tmp_path)
    assert min(found.values()) == FULL.factor_blocks
    deciding = [each.name for each in planned(False, (), None) if each.decides]
    assert min(found[name] for name in deciding) >= 5


def test_a_quick_run_has_time_for_all_of_its_blocks() -> None:
    plan = planned(quick=True, shapes=(), threshold=None)
    minutes = sum(QUICK.blocks * block_seconds(each, QUICK) for each in plan) / 60
    assert minutes < QUICK.minutes - 2


HOW_TO = Path("docs/how-to/study.md")


@pytest.mark.parametrize(
    ("begins", "effort", "shapes"),
    [("default", FULL, SHAPES), ("`--shapes=`", FULL, ()), ("`--quick`", QUICK, ())],
)
def test_the_page_has_the_minutes_of_the_plan(
    begins: str, effort: StudyEffort, shapes: tuple[str, ...]
) -> None:
    plan = planned(effort.quick, shapes, threshold=0.7)
    minutes = {each: block_seconds(each, effort) / 60 for each in plan}
    deciding = sum(own for each, own in minutes.items() if each.decides)
    others = sum(minutes.values()) - deciding
    everything = effort.blocks * deciding + effort.factor_blocks * others
    [row] = [line for line in HOW_TO.read_text("utf-8").splitlines() if f"| {begins} |" in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == str(len(plan))
    assert cells[3] == f"{deciding:.1f} min"
    assert cells[4] == (f"{others:.1f} min" if others else "")
    assert cells[5] == f"{everything:.0f} min"


def test_the_page_has_the_seconds_of_a_start() -> None:
    http, base, large = (f"{LONGER_START_S[each]:g}" for each in ("http", "base", "large"))
    text = " ".join(HOW_TO.read_text("utf-8").split())
    said = f"a start of {START_S:g} s (through HTTP {http}, XLM-R base {base}, large {large})"
    assert said in text
    assert f"and {FULL.seconds + FULL.warm_up:g} s under load" in text
    assert f"quick {QUICK.seconds + QUICK.warm_up:g};" in text
