"""The answer of a whole study: whether the two variants cost the same when they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.study.effects import FEWEST_BLOCKS, Evidence
from loadtests.study.findings import ComparisonKind, Findings
from models.statistics import LEVEL, holm

_DECIDING = (ComparisonKind.SAME, ComparisonKind.VARIANTS)


class StudyWord(StrEnum):
    """What a study says."""

    SAME = "the variants cost the same"
    DIFFERENT = "the variants do not cost the same"
    NOISY = "too noisy: no verdict"
    FEW = "too few blocks: no verdict"


@dataclass(frozen=True)
class StudyVerdict:
    """What a study says, and from what that follows."""

    word: StudyWord
    reason: str

    @property
    def decides(self) -> bool:
        """Whether it is an answer."""
        return self.word in (StudyWord.SAME, StudyWord.DIFFERENT)


def decide(found: Sequence[Findings], margin: float) -> StudyVerdict:
    """Decide by the figure that was named beforehand, of all comparisons of the two variants.

    "The same" needs equality in every one of them, so no correction is due: the chance that all
    pass by luck is no greater than that one does (intersection-union test, Berger 1982,
    Technometrics 24:295-300). "Not the same" needs a difference in one, corrected by Holm for all
    of them. Neither is said where a side could not be told to equal itself.

    Args:
        found: of all comparisons.
        margin: of equality.
    """
    if few := [each.name for each in found if each.kind in _DECIDING and not each.figures]:
        return StudyVerdict(StudyWord.FEW, f"{FEWEST_BLOCKS} at least are needed of {_and(few)}")
    same = _of(found, ComparisonKind.SAME)
    untrue = [f"{each.name}: {each.verdict}" for each in same if not _is_equal(each)]
    if untrue or not same:
        names = _and(untrue) or "no A/A was run"
        return StudyVerdict(StudyWord.NOISY, f"a side was not shown to equal itself ({names})")
    variants = _of(found, ComparisonKind.VARIANTS)
    if different := _different(variants):
        return StudyVerdict(StudyWord.DIFFERENT, f"in {_and(different)}")
    open_ones = [each.name for each in variants if not _is_equal(each)]
    if open_ones or not variants:
        names = _and(open_ones) or "any comparison of the variants"
        reason = f"neither equality nor a difference is shown in {names}"
        return StudyVerdict(StudyWord.NOISY, reason)
    share = f"{100 * margin:g} %"
    return StudyVerdict(
        StudyWord.SAME, f"within {share} in all {len(variants)} comparisons of their throughput"
    )


def _is_equal(found: Findings) -> bool:
    return found.verdict == Evidence.EQUIVALENT


def _and(names: Sequence[str]) -> str:
    return "; ".join(names)


def _of(found: Sequence[Findings], kind: ComparisonKind) -> list[Findings]:
    return [each for each in found if each.kind == kind]


def _different(variants: Sequence[Findings]) -> list[str]:
    known = [(each, each.primary) for each in variants]
    decided = [(each, primary) for each, primary in known if primary is not None]
    corrected = holm([primary.p for _, primary in decided])
    return [
        each.name
        for (each, primary), p in zip(decided, corrected, strict=True)
        if primary.verdict in (Evidence.MORE, Evidence.LESS) and p < 1 - LEVEL
    ]
