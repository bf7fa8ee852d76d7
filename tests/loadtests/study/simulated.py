"""Findings of a whole study from drawn blocks, fast enough to make hundreds."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from loadtests.study.blocks import DoneBlock, Summary
from loadtests.study.comparisons import FULL_RUN
from loadtests.study.findings import FEWEST_CALLS, Findings, findings
from loadtests.study.side import Comparison

DECIDING = tuple(each for each in FULL_RUN if each.decides)
VARIANTS = tuple(each.name for each in DECIDING if not each.is_of_itself)


def studied(
    seed: int, blocks: int = 6, noise: float = 0.01, slower: Mapping[str, float] | None = None
) -> list[Findings]:
    """Return what the comparisons that decide show.

    Args:
        seed: of all luck.
        blocks: of each comparison.
        noise: of the ratio of a block, as a share; of its p99 five times as much.
        slower: by comparison, how many times as long the second side takes; without, it is equal.
    """
    chance = np.random.default_rng(seed)
    ratios = slower or {}

    def side(ratio: float, calls: int) -> Summary:
        own = noise / math.sqrt(2)
        scale = ratio * float(np.exp(chance.normal(0, own)))
        last = scale * float(np.exp(chance.normal(0, 5 * own)))
        return Summary(calls, scale, 2 * last, 10 / scale, scale)

    def block(compared: Comparison, number: int) -> DoneBlock:
        # A batch is one call, so those who ask for batches have few.
        is_batch = compared.first.how != "http" and compared.first.batch_items > 1
        calls = FEWEST_CALLS // 2 if is_batch else FEWEST_CALLS
        ratio = ratios.get(compared.name, 1.0)
        first, second = (side(own, calls) for own in (1.0, ratio))
        return DoneBlock(compared.name, number, first, second, 0.0, 0.0, 1.0)

    return [findings(each, [block(each, number) for number in range(blocks)]) for each in DECIDING]
