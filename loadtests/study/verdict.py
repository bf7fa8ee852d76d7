"""The answer of a whole study: whether the two variants cost the same when they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.study.effects import FEWEST_BLOCKS
from loadtests.study.figure_verdict import FigureVerdict, Shown, StudyWord, by_figure
from loadtests.study.findings import MOST_LOUD, ComparisonKind, Findings


@dataclass(frozen=True)
class StudyVerdict:
    """What a study says, and from what that follows."""

    word: StudyWord
    reason: str
    figures: tuple[FigureVerdict, ...] = ()
    """Of the variants; the first one is that without which there is no answer."""

    @property
    def decides(self) -> bool:
        """Whether it is an answer."""
        return self.word in (StudyWord.SAME, StudyWord.DIFFERENT)


def decide(found: Sequence[Findings], margin: float) -> StudyVerdict:
    """Decide by the figures that were named beforehand, of all comparisons of the two variants.

    "The same" needs equality wherever there were blocks enough to show it, so no correction is due:
    the chance that all pass by luck is no greater than that one does (intersection-union test,
    Berger 1982, Technometrics 24:295-300). Where there were not, the spread alone says so, and it
    is named. "Not the same" needs a difference in one, corrected by Holm for all of them. Neither
    is said where a side could not be told to equal itself, or where the machine was disturbed.

    Args:
        found: of all comparisons.
        margin: of equality.
    """
    if few := [each.name for each in found if each.decides and not each.figures]:
        return StudyVerdict(StudyWord.FEW, f"{FEWEST_BLOCKS} at least are needed of {_and(few)}")
    figures = by_figure(found, ComparisonKind.VARIANTS)
    if why := _spoiled(found):
        return StudyVerdict(StudyWord.NOISY, why, figures)
    if different := _named(figures, Shown.DIFFERENT):
        return StudyVerdict(StudyWord.DIFFERENT, f"they differ by {_and(different)}", figures)
    if undecided := _named(figures, Shown.UNDECIDED):
        reason = f"neither equality nor a difference is shown of {_and(undecided)}"
        return StudyVerdict(StudyWord.NOISY, reason, figures)
    powerless = _and(_named(figures, Shown.POWERLESS))
    if figures[0].word is not StudyWord.SAME:
        reason = f"more blocks are needed of {powerless or 'the variants'}"
        return StudyVerdict(StudyWord.NOISY, reason, figures)
    same = ", ".join(each.extent for each in figures if each.that_show(Shown.EQUIVALENT))
    without = f"; too few blocks to tell of {powerless}" if powerless else ""
    return StudyVerdict(StudyWord.SAME, f"within {100 * margin:g} % are {same}{without}", figures)


def _spoiled(found: Sequence[Findings]) -> str:
    """Say why nothing follows from a study, whatever the variants show; empty if it may."""
    blocks = sum(each.blocks for each in found)
    disturbed = sum(each.blocks * each.disturbed for each in found) / max(1, blocks)
    if disturbed > MOST_LOUD:
        return f"the machine was disturbed in {100 * disturbed:.0f} % of all blocks"
    same = by_figure(found, ComparisonKind.SAME)
    if not same[0].comparisons:
        return "a side was not shown to equal itself (no A/A was run)"
    unequal = _named(same, Shown.DIFFERENT) + _named(same, Shown.UNDECIDED)
    unequal += same[0].named(Shown.POWERLESS)
    return f"a side was not shown to equal itself ({_and(unequal)})" if unequal else ""


def _named(figures: Sequence[FigureVerdict], what: Shown) -> list[str]:
    return [name for each in figures for name in each.named(what)]


def _and(names: Sequence[str]) -> str:
    return "; ".join(names)
