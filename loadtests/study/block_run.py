"""One block: two sides in turns, a short slice each, in an order that chance draws.

What makes a machine slower mostly lasts for seconds. Slices that are shorter meet it alike on both
sides, so the ratio of a block is many times as exact as that of two long runs
(docs/decisions/0054-sides-in-short-turns.md).
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from loadtests.study.noise import noted
from loadtests.study.side import Comparison, Figures
from loadtests.study.side_process import side_process
from loadtests.study.side_run import RunSlice

SLICE_S = 0.3
"""How long the slower side has its turn, about: what slows the machine lasts for longer."""


@dataclass(frozen=True)
class BlockRun:
    """What the two sides of a block came to, and what else the machine did meanwhile."""

    first: Figures
    second: Figures
    noise: Mapping[str, float]
    """As in ``noise.py``."""


RunBlock = Callable[[Comparison, random.Random], BlockRun]
"""Runs a block of a comparison, with both sides fresh; the generator draws the order."""


def in_processes(
    seconds: float, warm_up: float, batch_tokens: int, data: Path | None = None
) -> RunBlock:
    """Return what runs a block with each side in a process of its own.

    Args:
        seconds: that are measured of each side.
        warm_up: seconds of each before them.
        batch_tokens: the token budget of every server.
        data: where the items are; those of the sample are run without it.
    """

    def run_block(comparison: Comparison, chance: random.Random) -> BlockRun:
        sides = comparison.first, comparison.second
        with ExitStack() as stack:
            # One after the other: a server measures its batches when it starts.
            started = {
                place: stack.enter_context(side_process(sides[place], batch_tokens, data))
                for place in chance.sample((0, 1), 2)
            }
            return measured((started[0], started[1]), seconds, warm_up, chance)

    return run_block


def measured(
    sides: Sequence[RunSlice], seconds: float, warm_up: float, chance: random.Random
) -> BlockRun:
    """Run two sides that have been started in turns of equally many calls.

    Args:
        sides: the first and the second one.
        seconds: that are measured of each.
        warm_up: seconds of each before them.
        chance: draws the order.
    """
    lasts = max(_warmed_up(run, warm_up) for run in sides)
    calls = max(1, round(SLICE_S / lasts))
    done: tuple[list[Figures], list[Figures]] = ([], [])
    with noted() as noise:
        for turns in orders(chance):
            for side in turns:
                done[side].append(sides[side](len(done[side]), calls))
            if sum(each.seconds for own in done for each in own) >= 2 * seconds:
                break
    return BlockRun(Figures.together(done[0]), Figures.together(done[1]), noise)


def _warmed_up(run: RunSlice, seconds: float) -> float:
    """Run slices of one call for so many seconds, one at least; return what one takes then."""
    took: list[float] = []
    while not took or sum(took) < seconds:
        took.append(run(len(took), 1).seconds)
    return statistics.median(took)


def orders(chance: random.Random) -> Iterator[tuple[int, ...]]:
    """Yield A B B A or B A A B for ever, as chance has it; A is 0 and B is 1.

    In either, what drifts evenly falls out. Chance keeps the turns from falling in step with what
    comes and goes.
    """
    while True:
        yield (0, 1, 1, 0) if chance.random() < 1 / 2 else (1, 0, 0, 1)
