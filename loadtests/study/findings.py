"""What the blocks of a comparison show, figure by figure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.study.blocks import DoneBlock, Summary
from loadtests.study.effects import FEWEST_BLOCKS, MARGIN, Block, Effect
from loadtests.study.side import Comparison
from models.statistics import Estimate

PRIMARY, P99 = "items_a_second", "p99"
"""The figure that a study without an answer to it has no answer for; and the rarest one."""

FIGURES = {
    "p50": "p50",
    P99: "p99",
    PRIMARY: "items a second",
    "cpu_seconds_an_item": "processor time an item",
}
"""The fields of a side's summary that are compared, in words: p50 and p99 are of a call's time."""

DECIDING = (PRIMARY, "p50", P99)
"""The figures that decide, named before anything is measured; the other one explains them."""

FEWEST_CALLS = 100
"""Of each side of a block whose p99 is reported. With fewer no call in a hundred is slower than it,
and it is about the slowest call, which grows with their number and says more of the machine's worst
moment than of the model."""

TOO_FEW = "no verdict: too few blocks"
DISTURBED = "no verdict: the machine was disturbed"

MOST_STOLEN = 0.02
"""Of the processors' time that other guests may have had in a quiet block."""

MOST_OTHERS = 0.1
"""Processors that other programs may have kept busy in a quiet block."""

MOST_LOUD = 1 / 4
"""Of the blocks of a comparison: where more were disturbed, it has no verdict. And of all blocks:
then the study has none."""


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
    """The median over all blocks."""
    second: float
    ratio: Estimate
    """The second side over the first."""
    p: float
    p_equivalent: float
    verdict: str
    detectable: float
    blocks_needed: int
    has_power: bool
    """Whether there were so many blocks."""


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
    """The share of the blocks in which the machine had much else to do."""
    calls: int
    """Of a side, in the block that had the fewest; 0 without a block."""
    figures: tuple[Finding, ...]
    """Empty where there are fewer blocks than show a spread; without a p99 where ``calls`` are
    fewer than ``FEWEST_CALLS``."""

    @property
    def decides(self) -> bool:
        """Whether the answer of the study follows from it."""
        return self.kind is not ComparisonKind.FACTOR

    @property
    def is_disturbed(self) -> bool:
        """Whether too many of its blocks were."""
        return self.disturbed > MOST_LOUD

    @property
    def primary(self) -> Finding | None:
        """The figure of ``PRIMARY``."""
        return self.of(PRIMARY)

    def of(self, figure: str) -> Finding | None:
        """Return one figure; None if it is not reported."""
        return next((each for each in self.figures if each.figure == figure), None)


def findings(
    comparison: Comparison, blocks: Sequence[DoneBlock], margin: float = MARGIN
) -> Findings:
    """Compare the two sides.

    Args:
        comparison: what was compared.
        blocks: its own; with fewer than ``FEWEST_BLOCKS`` there are no figures.
        margin: of equality, stated before the run.
    """
    disturbed = sum(map(is_loud, blocks)) / max(1, len(blocks))
    calls = min((side.calls for block in blocks for side in (block.first, block.second)), default=0)
    reported = [each for each in FIGURES if each != P99 or calls >= FEWEST_CALLS]
    compared = reported if len(blocks) >= FEWEST_BLOCKS else []
    return Findings(
        name=comparison.name,
        question=comparison.question,
        kind=_kind(comparison),
        sides=(comparison.first.name, comparison.second.name),
        blocks=len(blocks),
        margin=margin,
        disturbed=disturbed,
        calls=calls,
        figures=tuple(
            _finding(figure, blocks, margin, quiet=disturbed <= MOST_LOUD) for figure in compared
        ),
    )


def _kind(comparison: Comparison) -> ComparisonKind:
    if comparison.is_of_itself:
        return ComparisonKind.SAME
    return ComparisonKind.VARIANTS if comparison.is_of_variants else ComparisonKind.FACTOR


def is_loud(block: DoneBlock) -> bool:
    """Whether the machine had much else to do."""
    return block.stolen > MOST_STOLEN or block.others > MOST_OTHERS


def _finding(figure: str, blocks: Sequence[DoneBlock], margin: float, *, quiet: bool) -> Finding:
    pairs = [Block(_of(figure, block.first), _of(figure, block.second)) for block in blocks]
    effect = Effect.of(pairs, margin)
    return Finding(
        figure=figure,
        first=statistics.median(pair.first for pair in pairs),
        second=statistics.median(pair.second for pair in pairs),
        ratio=effect.ratio,
        p=effect.p,
        p_equivalent=effect.p_equivalent,
        verdict=effect.verdict if quiet else DISTURBED,
        detectable=effect.detectable,
        blocks_needed=effect.blocks_needed,
        has_power=effect.has_power,
    )


def _of(figure: str, side: Summary) -> float:
    return float(getattr(side, figure))
