"""A whole study on simulated time: equality, a planted slowdown, and a machine that was busy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.study.blocks import Summary, run_blocks
from loadtests.study.effects import Evidence
from loadtests.study.findings import (
    FIGURES,
    PRIMARY,
    TOO_FEW,
    ComparisonKind,
    Findings,
    findings,
    is_loud,
)
from tests.loadtests.study.stand_in import COMPARISON, machine


def studied(tmp_path: Path, blocks: int = 8, **how: object) -> Findings:
    run_side = machine(**how)  # type: ignore[arg-type]
    done = run_blocks([COMPARISON], blocks, run_side, tmp_path / "runs.jsonl", lambda _: None)
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


@pytest.mark.parametrize(("loud", "verdict"), [(8, Evidence.EQUIVALENT), (9, Evidence.NONE)])
def test_where_the_machine_had_much_else_to_do_there_is_no_verdict(
    tmp_path: Path, loud: int, verdict: Evidence
) -> None:
    """More than a fourth of 32 runs."""
    found = studied(tmp_path, loud=loud)
    assert {each.verdict for each in found.figures} == {verdict}
    assert found.disturbed == loud / 32


QUIET = Summary(10, 0.1, 0.2, 10.0, 0.1, stolen=0.0, others=0.0, load=1.0)


@pytest.mark.parametrize(
    ("stolen", "others", "loud"),
    [(0.0, 0.0, False), (0.02, 0.1, False), (0.021, 0.0, True), (0.0, 0.11, True)],
)
def test_other_guests_of_the_host_and_other_programs_each_disturb_a_run(
    stolen: float, others: float, loud: bool
) -> None:
    assert is_loud(replace(QUIET, stolen=stolen, others=others)) == loud


def test_too_few_blocks_have_no_figures_and_no_verdict(tmp_path: Path) -> None:
    found = studied(tmp_path, blocks=2)
    assert (found.figures, found.primary, found.blocks) == ((), None, 2)
    assert found.verdict == TOO_FEW


def test_the_figure_that_decides_gives_the_verdict(tmp_path: Path) -> None:
    found = studied(tmp_path, slower={"stilts": 1.05})
    assert found.primary is not None
    assert found.primary.figure == PRIMARY
    assert found.verdict == Evidence.LESS
    assert found.kind is ComparisonKind.VARIANTS
