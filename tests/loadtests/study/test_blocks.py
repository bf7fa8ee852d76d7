"""Blocks: sides in turns, drawn order, kept when done, and gone on with."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from loadtests.study.blocks import (
    Budget,
    RunError,
    Summary,
    in_process,
    read_blocks,
    run_blocks,
    wanted_blocks,
)
from loadtests.study.comparisons import planned
from loadtests.study.side import Comparison, Figures, Side
from tests.loadtests.study.stand_in import COMPARISON, QUIET, machine

OTHER = replace(COMPARISON, name="other")


def test_each_block_has_both_sides_twice_and_either_may_begin(tmp_path: Path) -> None:
    ran: list[str] = []
    simulated = machine()

    def run_side(side: Side) -> Figures:
        ran.append(side.name)
        return simulated(side)

    blocks = run_blocks([COMPARISON], 20, run_side, tmp_path / "runs", lambda _: None)
    orders = {tuple(ran[start : start + 4]) for start in range(0, 80, 4)}
    assert orders == {
        ("direct", "stilts", "stilts", "direct"),
        ("stilts", "direct", "direct", "stilts"),
    }
    assert [block.number for block in blocks] == list(range(20))


def test_runs_are_those_of_their_side_whoever_began(tmp_path: Path) -> None:
    run_side = machine(slower={"stilts": 3.0}, noise=0.0, drift=0.0)
    for block in run_blocks([COMPARISON], 6, run_side, tmp_path / "runs", lambda _: None):
        assert min(run.p50 for run in block.second) > 2 * max(run.p50 for run in block.first)


def test_comparisons_take_turns_and_are_returned_together(tmp_path: Path) -> None:
    said: list[str] = []
    blocks = run_blocks([COMPARISON, OTHER], 2, machine(), tmp_path / "runs", said.append)
    assert [(block.comparison, block.number) for block in blocks] == [
        ("variants", 0),
        ("variants", 1),
        ("other", 0),
        ("other", 1),
    ]
    assert [each.partition(":")[0] for each in said[::4]] == ["variants", "other"] * 2


def test_an_interrupted_study_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    kept = tmp_path / "runs"
    simulated, left = machine(), 9

    def run_side(side: Side) -> Figures:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        return simulated(side)

    with pytest.raises(KeyboardInterrupt):
        run_blocks([COMPARISON], 4, run_side, kept, lambda _: None)
    before = list(read_blocks(kept))
    assert [block.number for block in before] == [0, 1]
    with kept.open("a") as lines:
        lines.write('{"comparison": "variants", "num')
    kept.write_text("".join(kept.read_text("utf-8").splitlines(keepends=True)[:2]), "utf-8")
    ran: list[str] = []
    after = run_blocks([COMPARISON], 4, simulated, kept, ran.append)
    assert after[:2] == before
    assert len(ran) == 2 * 4


def test_a_line_that_a_kill_has_cut_is_no_block(tmp_path: Path) -> None:
    kept = tmp_path / "runs"
    run_blocks([COMPARISON], 1, machine(), kept, lambda _: None)
    whole = kept.read_text("utf-8")
    kept.write_text(whole + whole[:50], "utf-8")
    assert len(list(read_blocks(kept))) == 1


def test_a_summary_has_the_quantiles_of_the_calls() -> None:
    seconds = tuple(number / 100 for number in range(101))
    summary = Summary.of(Figures(seconds, 10.0, 0.5, {**QUIET, "stolen": 0.1}))
    assert (summary.calls, summary.p50) == (101, 0.5)
    assert summary.p99 == pytest.approx(0.99)
    assert (summary.items_a_second, summary.cpu_seconds_an_item) == (10.0, 0.5)
    assert (summary.stolen, summary.others, summary.load) == (0.1, 0.0, 0.1)


def test_sides_and_figures_survive_the_command_line() -> None:
    for comparison in planned(quick=False, shapes=["base"], threshold=0.7):
        for side in (comparison.first, comparison.second):
            assert Side.from_json(side.to_json()) == side
    figures = Figures((0.1, 0.2), 10.0, 0.5, QUIET)
    assert Figures.from_json(figures.to_json()) == figures


def test_no_block_begins_that_would_end_after_the_budget(tmp_path: Path) -> None:
    """A block of one comparison takes 40 seconds, one of the other 400."""
    clock = 0.0

    def run_side(side: Side) -> Figures:
        nonlocal clock
        clock += 100.0 if side.name == "slow" else 10.0
        return Figures((0.1, 0.1), 10.0, 0.5, QUIET)

    slow = Comparison("slow", "What?", Side("slow", "direct"), Side("slow", "stilts"))
    budget = Budget(900.0, now=lambda: clock)
    kept = tmp_path / "runs"
    blocks = run_blocks([COMPARISON, slow], 9, run_side, kept, lambda _: None, budget=budget)
    assert clock <= 900.0
    assert [block.comparison for block in blocks].count("slow") == 2
    assert [block.comparison for block in blocks].count("variants") == 2
    again = run_blocks([COMPARISON, slow], 9, run_side, kept, lambda _: None)
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


def test_the_token_budget_of_the_study_was_not_told_to_its_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []

    def run(command: list[str], **how: object) -> SimpleNamespace:
        said.extend(command)
        return SimpleNamespace(returncode=0, stdout=Figures((0.1,), 1.0, 0.5, QUIET).to_json())

    monkeypatch.setattr(subprocess, "run", run)
    in_process(seconds=4.0, warm_up=1.5, batch_tokens=384)(Side("a", "direct"))
    assert said[-3:] == ["4.0", "1.5", "384"]


@pytest.mark.slow
def test_a_side_runs_in_a_process_of_its_own(embedded_base: Path) -> None:
    run_side = in_process(seconds=0.5, warm_up=0.1, batch_tokens=512)
    http = Side("b", "stilts", how="http", batch_items=1)
    for side in (Side("a", "direct", batch_items=2), http):
        figures = run_side(side)
        assert figures.seconds
        assert min(figures.seconds) > 0
        assert figures.items_a_second > 0
        assert figures.cpu_seconds_an_item > 0
        assert set(figures.noise) == {"stolen", "others", "load"}


@pytest.mark.slow
def test_a_side_that_cannot_be_run_says_why() -> None:
    with pytest.raises(RunError, match=r"^nobody ended with 1: .*nobody"):
        in_process(seconds=0.1, warm_up=0.0, batch_tokens=512)(Side("nobody", "nobody"))
