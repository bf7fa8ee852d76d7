"""What the blocks of a comparison show, figure by figure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.study.blocks import DoneBlock, Summary
from loadtests.study.effects import FEWEST_BLOCKS, MARGIN, Block, Effect, Evidence
from loadtests.study.side import Comparison
from models.statistics import Estimate

PRIMARY = "items_a_second"
"""The figure that decides, named before anything is measured; the others explain it."""

FIGURES = {
    "p50": "seconds of a call, median",
    "p99": "seconds of a call, 99th percentile",
    "items_a_second": "items a second",
    "cpu_seconds_an_item": "processor seconds an item",
}
"""The fields of a run's summary that are compared, in words."""

TOO_FEW = "no verdict: too few blocks"

MOST_STOLEN = 0.02
"""Of the processors' time that other guests may have had in a quiet run."""

MOST_OTHERS = 0.1
"""Processors that other programs may have kept busy in a quiet run."""

MOST_LOUD = 1 / 4
"""Of the runs: where more were disturbed, there is no verdict."""


class ComparisonKind(StrEnum):
    """What a comparison is for."""

    SAME = "A/A"
    """To show that the study finds nothing where there is nothing."""
    VARIANTS = "variants"
    """To answer the question of the study."""
    FACTOR = "factor"
    """To show what something else costs."""


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
    kind: ComparisonKind
    sides: tuple[str, str]
    blocks: int
    margin: float
    disturbed: float
    """The share of the runs in which the machine had much else to do."""
    figures: tuple[Finding, ...]
    """Empty where there are fewer blocks than show a spread."""

    @property
    def primary(self) -> Finding | None:
        """The figure that decides."""
        return next((each for each in self.figures if each.figure == PRIMARY), None)

    @property
    def verdict(self) -> str:
        """That of the figure that decides."""
        return TOO_FEW if self.primary is None else self.primary.verdict


def findings(
    comparison: Comparison, blocks: Sequence[DoneBlock], margin: float = MARGIN
) -> Findings:
    """Compare the two sides.

    Args:
        comparison: what was compared.
        blocks: its own; with fewer than ``FEWEST_BLOCKS`` there are no figures.
        margin: of equality, stated before the run.
    """
    runs = [run for block in blocks for run in (*block.first, *block.second)]
    disturbed = sum(map(is_loud, runs)) / max(1, len(runs))
    compared = FIGURES if len(blocks) >= FEWEST_BLOCKS else ()
    return Findings(
        name=comparison.name,
        question=comparison.question,
        kind=_kind(comparison),
        sides=(comparison.first.name, comparison.second.name),
        blocks=len(blocks),
        margin=margin,
        disturbed=disturbed,
        figures=tuple(
            _finding(figure, blocks, margin, quiet=disturbed <= MOST_LOUD) for figure in compared
        ),
    )


def _kind(comparison: Comparison) -> ComparisonKind:
    if comparison.is_of_itself:
        return ComparisonKind.SAME
    return ComparisonKind.VARIANTS if comparison.is_of_variants else ComparisonKind.FACTOR


def is_loud(run: Summary) -> bool:
    """Whether the machine had much else to do."""
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
