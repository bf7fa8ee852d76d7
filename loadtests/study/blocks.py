"""Runs the blocks of a study, comparison by comparison, and keeps each block when it is done."""

from __future__ import annotations

import json
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from loadtests.study.block_run import RunBlock
from loadtests.study.side import Comparison, Figures

OnBlock = Callable[[str], None]
"""Told the name of the comparison of which a block has just been run."""


@dataclass(frozen=True)
class Summary:
    """One side of a block in a few numbers."""

    calls: int
    p50: float
    """Seconds of a call."""
    p99: float
    items_a_second: float
    cpu_seconds_an_item: float

    @classmethod
    def of(cls, figures: Figures) -> Summary:
        return cls(
            calls=len(figures.calls),
            p50=statistics.median(figures.calls),
            p99=float(np.quantile(figures.calls, 0.99)),
            items_a_second=figures.items / figures.seconds,
            cpu_seconds_an_item=figures.cpu_seconds / figures.items,
        )


@dataclass(frozen=True)
class DoneBlock:
    """Both sides of a block, and what else the machine did while they ran."""

    comparison: str
    number: int
    first: Summary
    second: Summary
    stolen: float
    others: float
    load: float
    """All three as in ``noise.py``."""


class Budget:
    """How long a study may take. What began is finished, so it must end before.

    Args:
        seconds: of everything; None is no limit.
        now: tells the time, in seconds; the time of the call is the beginning.
    """

    def __init__(self, seconds: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._began = now()
        self._longest: dict[str, float] = {}

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return self._now() - self._began

    @property
    def left(self) -> float:
        """Seconds until the end, below 0 after it; infinite without a limit."""
        return math.inf if self._seconds is None else self._seconds - self.spent

    def has_room(self, comparison: str) -> bool:
        """Whether one more block fits: one is as long as the longest of its comparison was."""
        longest = self._longest.get(comparison, max(self._longest.values(), default=0.0))
        return longest <= self.left

    def note(self, comparison: str, seconds: float) -> None:
        """Say how long a block took."""
        self._longest[comparison] = max(seconds, self._longest.get(comparison, 0.0))


def run_blocks(
    comparisons: Sequence[Comparison],
    blocks: int,
    run_block: RunBlock,
    kept: Path,
    on_block: OnBlock,
    seed: int = 0,
    budget: Budget | None = None,
    of_factors: int | None = None,
) -> list[DoneBlock]:
    """Run so many blocks of each comparison; what a file has already is not run again.

    Comparisons take turns block by block, so that an hour in which the machine is slow meets all.
    How many blocks there are depends on the time alone and never on what they showed.

    Args:
        comparisons: in the order in which they run.
        blocks: of each comparison that decides, and of the others if nothing else is said.
        run_block: see ``RunBlock``.
        kept: the file of finished blocks, JSON lines.
        on_block: see ``OnBlock``.
        seed: draws the order of the sides.
        budget: no block begins that would end after it; then some comparisons have fewer.
        of_factors: blocks of each comparison that does not decide.

    Raises:
        RunError: a side cannot be run.
    """
    budget = budget or Budget(None)
    done = {(block.comparison, block.number): block for block in read_blocks(kept)}
    counts = wanted_blocks(comparisons, blocks, blocks if of_factors is None else of_factors)
    for number, comparison in _in_turns(comparisons, counts):
        if (comparison.name, number) in done or not budget.has_room(comparison.name):
            continue
        began = budget.spent
        block = _run(comparison, number, run_block, seed)
        on_block(comparison.name)
        budget.note(comparison.name, budget.spent - began)
        with kept.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(block)) + "\n")
        done[comparison.name, number] = block
    wanted = [(name, number) for name, count in counts.items() for number in range(count)]
    return [done[each] for each in wanted if each in done]


def wanted_blocks(
    comparisons: Sequence[Comparison], blocks: int, of_factors: int
) -> dict[str, int]:
    """Return how many blocks each comparison is to have, by its name."""
    return {each.name: blocks if each.decides else of_factors for each in comparisons}


def _in_turns(
    comparisons: Sequence[Comparison], counts: Mapping[str, int]
) -> Iterator[tuple[int, Comparison]]:
    for number in range(max(counts.values(), default=0)):
        for comparison in comparisons:
            if number < counts[comparison.name]:
                yield number, comparison


def _run(comparison: Comparison, number: int, run_block: RunBlock, seed: int) -> DoneBlock:
    chance = random.Random(f"{seed}/{comparison.name}/{number}")  # noqa: S311 - an order, no secret
    run = run_block(comparison, chance)
    return DoneBlock(
        comparison.name,
        number,
        Summary.of(run.first),
        Summary.of(run.second),
        stolen=run.noise["stolen"],
        others=run.noise["others"],
        load=run.noise["load"],
    )


def read_blocks(path: Path) -> Iterator[DoneBlock]:
    """Yield the finished blocks of a file; a line that was cut by a kill is no block."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            content = json.loads(line)
        except ValueError:
            continue
        first, second = (Summary(**content.pop(side)) for side in ("first", "second"))
        yield DoneBlock(**content, first=first, second=second)
