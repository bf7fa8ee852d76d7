"""The answer of a whole study: whether the two variants cost the same when they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtests.study.effects import Evidence
from loadtests.study.findings import ComparisonKind, Findings
from models.statistics import LEVEL, holm


class StudyWord(StrEnum):
    """What a study says."""

    SAME = "the variants cost the same"
    DIFFERENT = "the variants do not cost the same"
    NONE = "too noisy: no verdict"


@dataclass(frozen=True)
class StudyVerdict:
    """What a study says, and from what that follows."""

    word: StudyWord
    reason: str


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
    untrue = [
        each for each in _of(found, ComparisonKind.SAME) if each.verdict != Evidence.EQUIVALENT
    ]
    if untrue or not _of(found, ComparisonKind.SAME):
        names = ", ".join(f"{each.name}: {each.verdict}" for each in untrue) or "no A/A was run"
        return StudyVerdict(StudyWord.NONE, f"a side was not shown to equal itself ({names})")
    variants = _of(found, ComparisonKind.VARIANTS)
    if different := _different(variants):
        return StudyVerdict(StudyWord.DIFFERENT, f"in {', '.join(different)}")
    open_ones = [each.name for each in variants if each.verdict != Evidence.EQUIVALENT]
    if open_ones or not variants:
        names = ", ".join(open_ones) or "the variants were not compared"
        return StudyVerdict(
            StudyWord.NONE, f"neither equality nor a difference is shown in {names}"
        )
    share = f"{100 * margin:g} %"
    return StudyVerdict(
        StudyWord.SAME, f"within {share} in all {len(variants)} comparisons of their throughput"
    )


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
