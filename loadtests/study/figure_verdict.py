"""What all comparisons of one kind show of one figure, such as the p99 of a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.study.effects import Evidence
from loadtests.study.findings import (
    DECIDING,
    DISTURBED,
    FIGURES,
    ComparisonKind,
    Finding,
    Findings,
)
from models.statistics import LEVEL, holm


class StudyWord(StrEnum):
    """What a study says, or one figure of it."""

    SAME = "the variants cost the same"
    DIFFERENT = "the variants do not cost the same"
    NOISY = "too noisy: no verdict"
    FEW = "too few blocks: no verdict"


class Shown(StrEnum):
    """What a comparison shows of a figure, beside all others."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    """With p corrected for all figures and comparisons."""
    UNDECIDED = "undecided"
    """It had the blocks to show equality, and shows neither; or the machine was disturbed."""
    POWERLESS = "too few blocks to tell"
    """It shows neither, and had not the blocks to show equality, were it true."""


@dataclass(frozen=True)
class FigureVerdict:
    """One figure in all comparisons that report it."""

    figure: str
    comparisons: dict[str, Shown]
    """By name."""

    def that_show(self, what: Shown) -> list[str]:
        """Return the names of comparisons."""
        return [name for name, shown in self.comparisons.items() if shown is what]

    def named(self, what: Shown) -> list[str]:
        """Return them with the figure, such as ``p99 in variants, bf16``."""
        return [f"{FIGURES[self.figure]} in {name}" for name in self.that_show(what)]

    @property
    def word(self) -> StudyWord:
        """What is said of it: it is the same if at least half show so, and none leaves it open."""
        if self.that_show(Shown.DIFFERENT):
            return StudyWord.DIFFERENT
        equivalent = len(self.that_show(Shown.EQUIVALENT))
        is_shown = equivalent and 2 * equivalent >= len(self.comparisons)
        is_open = self.that_show(Shown.UNDECIDED)
        return StudyWord.SAME if is_shown and not is_open else StudyWord.NOISY

    @property
    def extent(self) -> str:
        """Where it is the same, such as ``p99 in 2 of 3 comparisons``."""
        equivalent, compared = len(self.that_show(Shown.EQUIVALENT)), len(self.comparisons)
        share = f"all {compared}" if equivalent == compared else f"{equivalent} of {compared}"
        return f"{FIGURES[self.figure]} in {share} comparisons"


def by_figure(found: Sequence[Findings], kind: ComparisonKind) -> tuple[FigureVerdict, ...]:
    """Judge each figure that decides.

    Args:
        found: of all comparisons.
        kind: of those that count.
    """
    cells = {
        (figure, each.name): own
        for figure in DECIDING
        for each in found
        if each.kind == kind and (own := each.of(figure)) is not None
    }
    corrected = holm([own.p for own in cells.values()])
    shown = {cell: _shown(own, p) for (cell, own), p in zip(cells.items(), corrected, strict=True)}
    return tuple(
        FigureVerdict(figure, {name: what for (own, name), what in shown.items() if own == figure})
        for figure in DECIDING
    )


def _shown(found: Finding, corrected: float) -> Shown:
    if found.verdict == Evidence.EQUIVALENT:
        return Shown.EQUIVALENT
    if found.verdict in (Evidence.MORE, Evidence.LESS) and corrected < 1 - LEVEL:
        return Shown.DIFFERENT
    is_clear = found.has_power or found.verdict == DISTURBED
    return Shown.UNDECIDED if is_clear else Shown.POWERLESS
