"""A study of real servers, some of which are slower than they need to be."""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtests.bench.servers import uvicorn
from loadtests.study import server
from loadtests.study.block_run import BlockRun, measured
from loadtests.study.blocks import run_blocks
from loadtests.study.findings import DISTURBED, Finding, Findings, findings
from loadtests.study.side import Comparison, Side
from loadtests.study.side_run import RunSlice, opened_side
from tests.loadtests.study.slowed_server import SHARE

BATCH_TOKENS = 1024


@dataclass(frozen=True)
class Planted:
    """Two services, of which the second takes longer."""

    share: float
    """By which its engine takes longer."""
    blocks: int
    seconds: float
    warm_up: float

    def studied(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Findings:
        """Compare the service with the other one, on new servers for each block."""
        slowed = uvicorn("tests.loadtests.study.slowed_server:service")
        monkeypatch.setattr(server, "SERVICE", slowed)
        monkeypatch.setenv("XCOPA_MODELS__DIRECT", "none")  # each server starts sooner
        sides = [Side(name, "stilts", how="http", batch_items=1) for name in ("one", "other")]

        def run_block(comparison: Comparison, chance: random.Random) -> BlockRun:
            opened: list[RunSlice] = []
            with ExitStack() as stack:
                for side, share in ((comparison.first, 0.0), (comparison.second, self.share)):
                    monkeypatch.setenv(SHARE, str(share))
                    opened.append(stack.enter_context(opened_side(side, BATCH_TOKENS, None)))
                return measured(opened, self.seconds, self.warm_up, chance)

        comparison = Comparison("real", "What?", *sides)
        blocks = run_blocks([comparison], self.blocks, run_block, folder / "runs", lambda _: None)
        found = findings(comparison, blocks)
        if found.is_disturbed:
            assert {each.verdict for each in found.figures} == {DISTURBED}
        return found


def figure(found: Findings, name: str) -> Finding:
    """Return one figure of a comparison that reports it."""
    own = found.of(name)
    assert own is not None
    return own
