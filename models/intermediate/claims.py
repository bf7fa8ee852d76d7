"""What Phang et al. (2020) claim, and what the figures say of it, by a rule and not by hand.

The claims are those of the paper's abstract and title (arXiv 2005.13013).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.evaluation.measure.languages import NINE
from models.evaluation.show.numbers import interval
from models.intermediate.contrasts import BESIDE, BEST, HELPS, TOGETHER, Contrast
from models.statistics import Estimate

MARGIN = 0.02
"""Two points: a gain that is surely below it counts as none."""


class Word(StrEnum):
    """What is said of a claim."""

    CONSISTENT = "consistent"
    CONTRADICTED = "contradicted"
    NOT_TESTABLE = "not testable at this size"


class Kind(StrEnum):
    """What a claim says of a difference on the nine languages."""

    GAIN = "gain"
    NO_GAIN = "no gain"


@dataclass(frozen=True)
class Claim:
    """One claim, and the comparison that tests it; without one, why none does."""

    text: str
    contrast: str | None = None
    kind: Kind = Kind.GAIN
    why_not: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the figures say of a claim, and from what that follows."""

    word: Word
    reason: str


CLAIMS = (
    Claim("English intermediate tasks improve zero-shot transfer to other languages", HELPS),
    Claim("MNLI, SQuAD and HellaSwag are the best single intermediate tasks", BEST),
    Claim("several tasks together give small further improvements", TOGETHER),
    Claim(
        "masked language modelling in many languages beside the task is not consistently better",
        BESIDE,
        Kind.NO_GAIN,
    ),
    Claim(
        "machine-translated intermediate data is not consistently better",
        why_not="there is no translated data here",
    ),
    Claim(
        "sentence retrieval (BUCC, Tatoeba) improves much",
        why_not="the target here is COPA, no retrieval",
    ),
    Claim(
        "question answering improves moderately",
        why_not="the target here is COPA, none of the paper's question answering sets",
    ),
    Claim(
        "the best intermediate task for each target gives 5.4 points over XLM-R large on XTREME",
        why_not="XTREME was not run, nor XLM-R large",
    ),
)


def verdict(claim: Claim, contrasts: Mapping[str, Contrast]) -> Verdict:
    """Say what the figures mean for a claim.

    A claimed gain is consistent if the whole interval of the difference over the nine languages is
    above zero, and contradicted if it is below. That there is no gain is contradicted if the whole
    interval is above zero, and consistent if its upper end is below ``MARGIN``. Otherwise the study
    is too small to tell.
    """
    if claim.contrast is None:
        return Verdict(Word.NOT_TESTABLE, claim.why_not)
    contrast = contrasts[claim.contrast]
    if contrast.missing:
        return Verdict(Word.NOT_TESTABLE, f"not run: {', '.join(contrast.missing)}")
    found = contrast.figures[NINE].difference
    sides = f"{_mean(contrast.second)} minus {_mean(contrast.first)}"
    return Verdict(judge(claim.kind, found), f"{sides}: {interval(found, sign='+')}")


def judge(kind: Kind, difference: Estimate) -> Word:
    """Apply the rule of ``verdict`` to a difference."""
    if kind is Kind.NO_GAIN:
        if difference.low > 0:
            return Word.CONTRADICTED
        return Word.CONSISTENT if difference.high < MARGIN else Word.NOT_TESTABLE
    if difference.low > 0:
        return Word.CONSISTENT
    return Word.CONTRADICTED if difference.high < 0 else Word.NOT_TESTABLE


def _mean(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"the mean of {', '.join(names)}"
