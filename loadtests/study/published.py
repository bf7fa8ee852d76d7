"""What others have published, beside what was found here, each with a word by a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.settings import STILTS
from models.evaluation.measure.languages import GROUP_TITLES, NINE
from models.evaluation.show.numbers import interval, percent
from models.intermediate.claims import CLAIMS, Kind, Word, judge, verdict
from models.intermediate.contrasts import HELPS, Contrast
from models.statistics import Estimate

REPRODUCED, CONTRADICTED, NOT_TESTABLE = "reproduced", "contradicted", "not testable here"

PHANG = "Phang et al. 2020, arXiv 2005.13013"


@dataclass(frozen=True)
class Published:
    """A published accuracy on XCOPA, a mean over its languages."""

    model: str
    base: str
    """What it was trained from, as the hub has it; models of another base are no repetition."""
    accuracy: float
    """A share."""
    source: str
    differs: str = ""
    """What else it does that is not done here."""


RESULTS = (
    Published("XLM-R large", "xlm-roberta-large", 0.687, "named in comparisons of XCOPA results"),
    Published(
        "MAD-X base",
        "xlm-roberta-base",
        0.609,
        "Pfeiffer et al. 2020, arXiv 2005.00052",
        "it has an adapter for each language, trained on its text",
    ),
    Published(
        "RoBERTa large, test sets translated to English",
        "roberta-large",
        0.761,
        "Ponti et al. 2020, arXiv 2005.00333",
        "it reads translations and no other language than English",
    ),
)


@dataclass(frozen=True)
class Standing:
    """A claim, and how it stands after this study."""

    claim: str
    source: str
    word: str
    """One of reproduced, consistent, contradicted, not testable here; ``reason`` says why."""
    reason: str


@dataclass(frozen=True)
class OwnAccuracy:
    """What this project's pair reaches on XCOPA."""

    variants: dict[str, Estimate]
    """By variant, over the nine languages."""
    all_languages: Estimate
    """Of ``stilts``, over the eleven, as published means are."""
    difference: Estimate
    """``stilts`` minus ``direct``, over the nine."""


def standings(
    own: OwnAccuracy | None, base: str | None, contrasts: Mapping[str, Contrast] | None
) -> tuple[Standing, ...]:
    """Say of every claim and every published result how it stands.

    Args:
        own: accuracy of the two variants; None where it is not known.
        base: of ``stilts``, as its training's record names it.
        contrasts: of the study of intermediate sets; None where it was not made.
    """
    return (
        *_claims(contrasts),
        _pair(own),
        *(_published(each, own, base) for each in RESULTS),
    )


def _claims(contrasts: Mapping[str, Contrast] | None) -> Sequence[Standing]:
    found = []
    for claim in CLAIMS:
        if contrasts is None and claim.contrast is not None:
            reason = "`make intermediate` has not been run, or its report was not given"
            found.append(Standing(claim.text, PHANG, NOT_TESTABLE, reason))
            continue
        known = contrasts or {}
        said = verdict(claim, known)
        measured = claim.contrast is not None and not known[claim.contrast].missing
        found.append(_judged(claim.text, said.word, said.reason, measured=measured))
    return found


def _judged(text: str, word: Word, reason: str, *, measured: bool) -> Standing:
    """Say of a claim what its rule says, and why where that is neither."""
    if word is not Word.NOT_TESTABLE:
        return Standing(text, PHANG, str(word), reason)
    why = f"{reason}; there are too few items and seeds to tell" if measured else reason
    return Standing(text, PHANG, NOT_TESTABLE, why)


def _pair(own: OwnAccuracy | None) -> Standing:
    """Judge the main claim by the pair that is served, whose budget is larger."""
    [claim] = [each for each in CLAIMS if each.contrast == HELPS]
    text = f"{claim.text}: the pair that is served"
    if own is None:
        return Standing(text, PHANG, NOT_TESTABLE, "no report of an evaluation was given")
    reason = f"{STILTS} minus direct, {GROUP_TITLES[NINE]}: {interval(own.difference, sign='+')}"
    return _judged(text, judge(Kind.GAIN, own.difference), reason, measured=True)


def _published(result: Published, own: OwnAccuracy | None, base: str | None) -> Standing:
    """Judge a published figure: reproduced, if the interval of the same model's has it within."""
    text = f"{result.model} reaches {percent(result.accuracy)} % on XCOPA"
    if own is None:
        return Standing(text, result.source, NOT_TESTABLE, "no report of an evaluation was given")
    ours = f"{STILTS} here, mean of the eleven: {interval(own.all_languages)}"
    if (base or "").rpartition("/")[2] != result.base:
        reason = f"{ours}; its base is {base or 'not recorded'} and not {result.base}"
        return Standing(text, result.source, NOT_TESTABLE, reason)
    if result.differs:
        return Standing(text, result.source, NOT_TESTABLE, f"{ours}; {result.differs}")
    within = own.all_languages.low <= result.accuracy <= own.all_languages.high
    return Standing(text, result.source, REPRODUCED if within else CONTRADICTED, ours)
