"""Real servers, a new one for each run: nothing is found in an A/A, and 5 % is."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.bench.servers import uvicorn
from loadtests.study import one_run
from loadtests.study.blocks import run_blocks
from loadtests.study.effects import MARGIN, Evidence
from loadtests.study.findings import MOST_LOUD, Finding, Findings, findings
from loadtests.study.side import Comparison, Figures, Side
from tests.loadtests.study.slowed_server import SHARE

SLOW = "slowed"
BLOCKS, SECONDS, WARM_UP = 3, 1.5, 0.5
PLANTED = 0.055
"""Of the engine's time, which is nine tenths of a lone request: 5 % of the request."""

TRIES = 2
"""An interval of 95 % misses now and then, and more often beside other guests of the host."""

SIDE = Side("as it is", "stilts", how="http", batch_items=1)


def studied(other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Findings:
    """Compare the service with itself, or with a slowed one; skip if the machine was busy."""
    server = uvicorn("tests.loadtests.study.slowed_server:service")
    monkeypatch.setattr(one_run, "SERVICE", server)
    # One budget for all, instead of one that each server measures anew.
    monkeypatch.setenv("XCOPA_BATCH_TOKENS", "1024")

    def run_side(side: Side) -> Figures:
        monkeypatch.setenv(SHARE, str(PLANTED if side.name == SLOW else 0.0))
        return one_run.run(side, SECONDS, WARM_UP)

    second = Side(other, "stilts", how="http", batch_items=1)
    comparison = Comparison("real", "What?", SIDE, second)
    blocks = run_blocks([comparison], BLOCKS, run_side, tmp_path / "blocks", lambda _: None)
    found = findings(comparison, blocks)
    if found.disturbed > MOST_LOUD:
        assert {each.verdict for each in found.figures} == {Evidence.NONE}
        pytest.skip("the machine was too busy: there is no verdict, as there should be none")
    return found


def by_figure(found: Findings) -> dict[str, Finding]:
    return {each.figure: each for each in found.figures}


def is_claimed(found: Finding) -> bool:
    """Whether a difference is said to be there, and it is one that somebody would pay for."""
    return found.verdict in (Evidence.MORE, Evidence.LESS) and abs(found.ratio.value - 1) > MARGIN


def is_found(found: dict[str, Finding]) -> bool:
    slowdown = found["p50"]
    return (
        slowdown.verdict in (Evidence.MORE, Evidence.NONE)
        and slowdown.ratio.low < 1.05 < slowdown.ratio.high
        and slowdown.ratio.value > 1.02
        and found["items_a_second"].ratio.value < 0.98
    )


@pytest.mark.slow
def test_nothing_is_found_between_a_service_and_itself(
    embedded_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run of twenty claims a difference by chance; it does not come again."""
    claimed = []
    for number in range(TRIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = by_figure(studied("again", folder, monkeypatch))
        wrong = [found[name] for name in ("p50", "items_a_second") if is_claimed(found[name])]
        if not wrong:
            return
        claimed.append(wrong)
    raise AssertionError(claimed)


@pytest.mark.slow
def test_a_planted_slowdown_of_5_percent_is_found_for_real(
    embedded_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = []
    for number in range(TRIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = by_figure(studied(SLOW, folder, monkeypatch))
        if is_found(found):
            return
        missed.append(found)
    raise AssertionError(missed)
