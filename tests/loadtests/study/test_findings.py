"""A whole study on simulated time: equality, a planted slowdown, and a machine that was busy."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.study.blocks import DoneBlock, Summary, run_blocks
from loadtests.study.effects import Evidence
from loadtests.study.findings import (
    DISTURBED,
    FEWEST_CALLS,
    FIGURES,
    P99,
    PRIMARY,
    ComparisonKind,
    Findings,
    findings,
    is_loud,
)
from loadtests.study.side import Figures
from tests.loadtests.study.stand_in import COMPARISON, machine


def studied(tmp_path: Path, blocks: int = 8, **how: object) -> Findings:
    run_block = machine(**how)  # type: ignore[arg-type]
    done = run_blocks([COMPARISON], blocks, run_block, tmp_path / "runs.jsonl", lambda _: None)
    return findings(COMPARISON, done)


def test_a_side_against_itself_passes_as_equivalent(tmp_path: Path) -> None:
    found = studied(tmp_path)
    assert [each.figure for each in found.figures] == list(FIGURES)
    assert {each.verdict for each in found.figures} == {Evidence.EQUIVALENT}
    assert found.disturbed == 0
    assert (found.name, found.sides, found.blocks) == ("variants", ("direct", "stilts"), 8)


def test_a_planted_slowdown_of_5_percent_is_found(tmp_path: Path) -> None:
    found = {each.figure: each for each in studied(tmp_path, slower={"stilts": 1.05}).figures}
    for figure in ("p50", "p99", "cpu_seconds_an_item"):
        assert found[figure].verdict == Evidence.MORE
        assert found[figure].ratio.low < 1.05 < found[figure].ratio.high
        assert found[figure].second > found[figure].first
    assert found["items_a_second"].verdict == Evidence.LESS


def test_a_run_that_is_too_noisy_gives_no_verdict(tmp_path: Path) -> None:
    found = studied(tmp_path, blocks=3, noise=0.15)
    assert {each.verdict for each in found.figures} == {Evidence.NONE}
    assert all(each.detectable > 0.1 for each in found.figures)
    assert all(each.blocks_needed > 3 for each in found.figures)


@pytest.mark.parametrize(("loud", "verdict"), [(2, Evidence.EQUIVALENT), (3, DISTURBED)])
def test_where_the_machine_had_much_else_to_do_there_is_no_verdict(
    tmp_path: Path, loud: int, verdict: str
) -> None:
    """More than a fourth of eight blocks."""
    found = studied(tmp_path, loud=loud)
    assert {each.verdict for each in found.figures} == {verdict}
    assert found.disturbed == loud / 8


SIDE = Summary(10, 0.1, 0.2, 10.0, 0.1)
QUIET = DoneBlock("variants", 0, SIDE, SIDE, stolen=0.0, others=0.0, load=1.0)


@pytest.mark.parametrize(
    ("stolen", "others", "loud"),
    [(0.0, 0.0, False), (0.02, 0.1, False), (0.021, 0.0, True), (0.0, 0.11, True)],
)
def test_other_guests_of_the_host_and_other_programs_each_disturb_a_block(
    stolen: float, others: float, loud: bool
) -> None:
    assert is_loud(replace(QUIET, stolen=stolen, others=others)) == loud


def test_too_few_blocks_have_no_figures_and_no_verdict(tmp_path: Path) -> None:
    found = studied(tmp_path, blocks=2)
    assert (found.figures, found.primary, found.blocks) == ((), None, 2)


def with_calls(*calls: int) -> Findings:
    """Blocks whose sides have so many calls, one after the other."""
    sides = (replace(SIDE, calls=each) for each in itertools.cycle(calls))
    done = [replace(QUIET, number=each, first=next(sides), second=next(sides)) for each in range(3)]
    return findings(COMPARISON, done)


def test_a_p99_of_few_calls_was_about_the_slowest_of_them() -> None:
    """If one block has too few calls, none is left out, since the slow ones have fewest."""
    enough, one_has_few = with_calls(FEWEST_CALLS), with_calls(500, 400, FEWEST_CALLS - 1)
    assert [each.figure for each in enough.figures] == list(FIGURES)
    assert [each.figure for each in one_has_few.figures] == [
        each for each in FIGURES if each != P99
    ]
    assert (enough.calls, one_has_few.calls) == (FEWEST_CALLS, FEWEST_CALLS - 1)
    assert one_has_few.of(P99) is None


def test_with_so_many_calls_the_slowest_hardly_moves_the_p99() -> None:
    calls = tuple(0.1 for _ in range(FEWEST_CALLS - 1))
    assert Summary.of(Figures((*calls, 10.0), 10, 10.0, 0.1)).p99 < 0.2
    assert Summary.of(Figures((*calls[: FEWEST_CALLS // 2], 10.0), 10, 10.0, 0.1)).p99 > 5


def test_a_finding_says_whether_there_were_blocks_enough(tmp_path: Path) -> None:
    for noise, has_power in ((0.005, True), (0.05, False)):
        folder = tmp_path / str(noise)
        folder.mkdir()
        found = studied(folder, noise=noise).primary
        assert found is not None
        assert found.has_power == has_power == (found.blocks_needed <= 8)


def test_the_kind_and_the_figure_without_which_there_is_no_answer(tmp_path: Path) -> None:
    found = studied(tmp_path, slower={"stilts": 1.05})
    assert found.primary is not None
    assert (found.primary.figure, found.primary.verdict) == (PRIMARY, Evidence.LESS)
    assert found.kind is ComparisonKind.VARIANTS
    assert found.decides
    assert not found.is_disturbed
    assert replace(found, disturbed=0.26).is_disturbed
    assert not replace(found, kind=ComparisonKind.FACTOR).decides


def test_intervals_of_whole_blocks_cover_the_true_ratio(tmp_path: Path) -> None:
    """From calls to findings: 53 of 60 are two and a half standard errors below 95 %."""
    covered = dict.fromkeys(FIGURES, 0)
    for seed in range(60):
        kept = tmp_path / str(seed)
        run_block = machine(slower={"stilts": 1.04}, noise=0.02, seed=seed, calls=FEWEST_CALLS)
        done = run_blocks([COMPARISON], 5, run_block, kept, lambda _: None)
        for each in findings(COMPARISON, done).figures:
            true = 1 / 1.04 if each.figure == PRIMARY else 1.04
            covered[each.figure] += each.ratio.low <= true <= each.ratio.high
    assert all(times >= 53 for times in covered.values()), covered
