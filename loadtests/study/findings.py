"""What the blocks of a comparison show, figure by figure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.study.blocks import DoneBlock, Summary
from loadtests.study.effects import MARGIN, Block, Effect, Evidence
from loadtests.study.side import Comparison
from models.statistics import Estimate

FIGURES = {
    "p50": "seconds of a call, median",
    "p99": "seconds of a call, 99th percentile",
    "items_a_second": "items a second",
    "cpu_seconds_an_item": "processor seconds an item",
}
"""The fields of a run's summary that are compared, in words."""

MOST_STOLEN = 0.02
"""Of the processors' time that other guests may have had in a quiet run."""

MOST_OTHERS = 0.1
"""Processors that other programs may have kept busy in a quiet run."""

MOST_LOUD = 1 / 4
"""Of the runs: where more were disturbed, there is no verdict."""


@dataclass(frozen=True)
class Finding:
    """One figure of a comparison."""

    figure: str
    first: float
    """The median over all runs of that side."""
    second: float
    ratio: Estimate
    """The second side over the first."""
    p: float
    p_equivalent: float
    verdict: str
    detectable: float
    blocks_needed: int


@dataclass(frozen=True)
class Findings:
    """All figures of a comparison."""

    name: str
    question: str
    sides: tuple[str, str]
    blocks: int
    margin: float
    disturbed: float
    """The share of the runs in which the machine had much else to do."""
    figures: tuple[Finding, ...]


def findings(
    comparison: Comparison, blocks: Sequence[DoneBlock], margin: float = MARGIN
) -> Findings:
    """Compare the two sides.

    Args:
        comparison: what was compared.
        blocks: its own, at least three.
        margin: of equality, stated before the run.
    """
    runs = [run for block in blocks for run in (*block.first, *block.second)]
    disturbed = sum(map(_is_loud, runs)) / len(runs)
    return Findings(
        name=comparison.name,
        question=comparison.question,
        sides=(comparison.first.name, comparison.second.name),
        blocks=len(blocks),
        margin=margin,
        disturbed=disturbed,
        figures=tuple(
            _finding(figure, blocks, margin, quiet=disturbed <= MOST_LOUD) for figure in FIGURES
        ),
    )


def _is_loud(run: Summary) -> bool:
    return run.stolen > MOST_STOLEN or run.others > MOST_OTHERS


def _finding(figure: str, blocks: Sequence[DoneBlock], margin: float, *, quiet: bool) -> Finding:
    pairs = [Block(_of(figure, block.first), _of(figure, block.second)) for block in blocks]
    effect = Effect.of(pairs, margin)
    return Finding(
        figure=figure,
        first=statistics.median([value for pair in pairs for value in pair.first]),
        second=statistics.median([value for pair in pairs for value in pair.second]),
        ratio=effect.ratio,
        p=effect.p,
        p_equivalent=effect.p_equivalent,
        verdict=effect.verdict if quiet else Evidence.NONE,
        detectable=effect.detectable,
        blocks_needed=effect.blocks_needed,
    )


def _of(figure: str, runs: Sequence[Summary]) -> tuple[float, ...]:
    return tuple(float(getattr(run, figure)) for run in runs)
