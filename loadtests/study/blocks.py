"""Runs the blocks of a study: sides in turns, each run in a process, each block kept when done."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from loadtests.study.side import Comparison, Figures, Side

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
    """Both as in ``noise.py``."""

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
        )


@dataclass(frozen=True)
class DoneBlock:
    """The four runs of a block: the two of each side, in the order in which they ran."""

    comparison: str
    number: int
    first: tuple[Summary, Summary]
    second: tuple[Summary, Summary]


def run_blocks(
    comparisons: Sequence[Comparison],
    blocks: int,
    run_side: RunSide,
    kept: Path,
    on_run: OnSideRun,
    seed: int = 0,
) -> list[DoneBlock]:
    """Run so many blocks of each comparison; what a file has already is not run again.

    Comparisons take turns block by block, so that an hour in which the machine is slow meets all.

    Args:
        comparisons: in the order in which they run.
        blocks: of each.
        run_side: see ``RunSide``.
        kept: the file of finished blocks, JSON lines.
        on_run: see ``OnSideRun``.
        seed: draws which side begins.

    Raises:
        RunError: a side cannot be run.
    """
    done = {(block.comparison, block.number): block for block in read_blocks(kept)}
    for number in range(blocks):
        for comparison in comparisons:
            if (comparison.name, number) in done:
                continue
            block = _run_block(comparison, number, run_side, on_run, seed)
            with kept.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(asdict(block)) + "\n")
            done[comparison.name, number] = block
    names = [comparison.name for comparison in comparisons]
    return [done[name, number] for name in names for number in range(blocks)]


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


def in_process(seconds: float, warm_up: float) -> RunSide:
    """Return what runs a side in a fresh process.

    Args:
        seconds: that are measured.
        warm_up: seconds before them.
    """

    def run_side(side: Side) -> Figures:
        command = [sys.executable, "-m", "loadtests.study.one_run"]
        done = subprocess.run(  # noqa: S603 - our own program
            [*command, side.to_json(), str(seconds), str(warm_up)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["nothing was said"]
            raise RunError(f"{side.name} ended with {done.returncode}: {said[-1]}")
        return Figures.from_json(done.stdout.splitlines()[-1])

    return run_side
