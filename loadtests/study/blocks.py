"""Runs the blocks of a study: sides in turns, each run in a process, each block kept when done."""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from loadtests.study.side import Comparison, Figures, Side

_DATA = "XCOPA_DATA_DIR"

RunSide = Callable[[Side], Figures]
"""Runs a side in a fresh process."""

OnSideRun = Callable[[str], None]
"""Told the name of what has just run."""


class RunError(Exception):
    """A side could not be run; the message is what its process said last."""


@dataclass(frozen=True)
class Summary:
    """One run in a few numbers."""

    calls: int
    p50: float
    """Seconds of a call."""
    p99: float
    items_a_second: float
    cpu_seconds_an_item: float
    stolen: float
    others: float
    load: float
    """All three as in ``noise.py``."""

    @classmethod
    def of(cls, figures: Figures) -> Summary:
        return cls(
            calls=len(figures.seconds),
            p50=statistics.median(figures.seconds),
            p99=float(np.quantile(figures.seconds, 0.99)),
            items_a_second=figures.items_a_second,
            cpu_seconds_an_item=figures.cpu_seconds_an_item,
            stolen=figures.noise.get("stolen", 0.0),
            others=figures.noise.get("others", 0.0),
            load=figures.noise.get("load", 0.0),
        )


@dataclass(frozen=True)
class DoneBlock:
    """The four runs of a block: the two of each side, in the order in which they ran."""

    comparison: str
    number: int
    first: tuple[Summary, Summary]
    second: tuple[Summary, Summary]

    @property
    def runs(self) -> tuple[Summary, ...]:
        """All four."""
        return *self.first, *self.second


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
    run_side: RunSide,
    kept: Path,
    on_run: OnSideRun,
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
        run_side: see ``RunSide``.
        kept: the file of finished blocks, JSON lines.
        on_run: see ``OnSideRun``.
        seed: draws which side begins.
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
        block = _run_block(comparison, number, run_side, on_run, seed)
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


def _run_block(
    comparison: Comparison, number: int, run_side: RunSide, on_run: OnSideRun, seed: int
) -> DoneBlock:
    chance = random.Random(f"{seed}/{comparison.name}/{number}")  # noqa: S311 - an order, no secret
    outer, inner = comparison.first, comparison.second
    if turned := chance.random() < 1 / 2:
        outer, inner = inner, outer
    found: list[Summary] = []
    for side in (outer, inner, inner, outer):
        found.append(Summary.of(run_side(side)))
        on_run(f"{comparison.name}: {side.name}")
    outside, inside = (found[0], found[3]), (found[1], found[2])
    first, second = (inside, outside) if turned else (outside, inside)
    return DoneBlock(comparison.name, number, first, second)


def read_blocks(path: Path) -> Iterator[DoneBlock]:
    """Yield the finished blocks of a file; a line that was cut by a kill is no block."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            content = json.loads(line)
        except ValueError:
            continue
        first, second = (_pair(content[side]) for side in ("first", "second"))
        yield DoneBlock(content["comparison"], content["number"], first, second)


def _pair(runs: Sequence[dict[str, float]]) -> tuple[Summary, Summary]:
    one, other = (Summary(**run) for run in runs)  # type: ignore[arg-type]
    return one, other


def in_process(
    seconds: float, warm_up: float, batch_tokens: int, data: Path | None = None
) -> RunSide:
    """Return what runs a side in a fresh process.

    Args:
        seconds: that are measured.
        warm_up: seconds before them.
        batch_tokens: the token budget of every server.
        data: where the items are; those of the sample are run without it.
    """
    environment = {key: value for key, value in os.environ.items() if key != _DATA}
    if data is not None:
        environment[_DATA] = str(data)

    def run_side(side: Side) -> Figures:
        command = [sys.executable, "-m", "loadtests.study.one_run"]
        done = subprocess.run(  # noqa: S603 - our own program
            [*command, side.to_json(), str(seconds), str(warm_up), str(batch_tokens)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["nothing was said"]
            raise RunError(f"{side.name} ended with {done.returncode}: {said[-1]}")
        return Figures.from_json(done.stdout.splitlines()[-1])

    return run_side
