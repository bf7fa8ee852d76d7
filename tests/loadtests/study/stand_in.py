"""Blocks that run on simulated time."""

from __future__ import annotations

import math
import random

import numpy as np

from loadtests.study.block_run import BlockRun, RunBlock
from loadtests.study.side import Comparison, Figures, Side

COMPARISON = Comparison("variants", "What?", Side("direct", "direct"), Side("stilts", "stilts"))
CALLS = 2_000
QUIET = {"stolen": 0.0, "others": 0.0, "load": 0.1}


def machine(
    slower: dict[str, float] | None = None,
    noise: float = 0.01,
    loud: int = 0,
    seed: int = 0,
    calls: int = CALLS,
) -> RunBlock:
    """A machine on which each block has its own luck.

    Args:
        slower: by the name of a side, how many times as long its calls take.
        noise: of the ratio of a block, as a share.
        loud: how many of the first blocks something else disturbs.
        seed: of the luck.
        calls: of a side in a block.
    """
    luck = np.random.default_rng(seed)
    blocks = 0

    def side_figures(side: Side) -> Figures:
        scale = (slower or {}).get(side.name, 1.0)
        scale *= float(np.exp(luck.normal(0, noise / math.sqrt(2))))
        seconds = scale * luck.gamma(400, 0.05 / 400, size=calls)
        items = side.batch_items * calls
        return Figures(tuple(seconds.tolist()), items, float(seconds.sum()), scale * 0.002 * items)

    def run_block(comparison: Comparison, _: random.Random) -> BlockRun:
        nonlocal blocks
        disturbed = {**QUIET, "others": 0.8} if blocks < loud else QUIET
        blocks += 1
        first, second = side_figures(comparison.first), side_figures(comparison.second)
        return BlockRun(first, second, disturbed)

    return run_block
