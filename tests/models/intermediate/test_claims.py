"""Verdicts follow from figures by a rule."""

from __future__ import annotations

import pytest

from models.intermediate.claims import CLAIMS, Claim, Kind, Word, judge, verdict
from models.intermediate.contrasts import HELPS, SIDES, Contrast
from models.intermediate.figures import Difference
from models.statistics import Estimate
from tests.models.intermediate.made import study_report

GAIN, NO_GAIN = Kind.GAIN, Kind.NO_GAIN


@pytest.mark.parametrize(
    ("kind", "low", "high", "word"),
    [
        (GAIN, 0.001, 0.1, Word.CONSISTENT),
        (GAIN, -0.1, -0.001, Word.CONTRADICTED),
        (GAIN, -0.001, 0.1, Word.NOT_TESTABLE),
        (GAIN, 0.0, 0.1, Word.NOT_TESTABLE),
        (GAIN, -0.1, 0.0, Word.NOT_TESTABLE),
        (NO_GAIN, 0.001, 0.1, Word.CONTRADICTED),
        (NO_GAIN, 0.001, 0.01, Word.CONTRADICTED),
        (NO_GAIN, -0.1, 0.019, Word.CONSISTENT),
        (NO_GAIN, 0.0, 0.019, Word.CONSISTENT),
        (NO_GAIN, -0.1, 0.02, Word.NOT_TESTABLE),
        (NO_GAIN, -0.1, -0.05, Word.CONSISTENT),
    ],
)
def test_the_interval_decides(kind: Kind, low: float, high: float, word: Word) -> None:
    assert judge(kind, Estimate((low + high) / 2, low, high)) is word


def contrast(low: float, high: float, missing: tuple[str, ...] = ()) -> Contrast:
    nine = Difference(Estimate(0.5, low, high), 0.1)
    figures = {} if missing else {"nine": nine, "english": Difference(Estimate(0, 0, 0), 1.0)}
    return Contrast(("none",), ("mnli", "squad2"), missing, figures)


def test_the_nine_languages_are_what_counts_and_the_reason_has_the_figures() -> None:
    found = verdict(Claim("it helps", HELPS), {HELPS: contrast(0.25, 0.75)})
    assert found.word is Word.CONSISTENT
    assert found.reason == "the mean of mnli, squad2 minus none: +50.0 [+25.0, +75.0]"


def test_what_was_not_run_tests_nothing() -> None:
    found = verdict(Claim("it helps", HELPS), {HELPS: contrast(0.25, 0.75, ("mnli", "all"))})
    assert (found.word, found.reason) == (Word.NOT_TESTABLE, "not run: mnli, all")


def test_a_claim_without_a_comparison_says_why() -> None:
    found = verdict(Claim("it flies", why_not="there is no wind"), {})
    assert (found.word, found.reason) == (Word.NOT_TESTABLE, "there is no wind")


def test_every_comparison_tests_one_claim_and_every_other_claim_has_a_reason() -> None:
    tested = [claim.contrast for claim in CLAIMS if claim.contrast is not None]
    assert tested == list(SIDES)
    assert all(claim.why_not for claim in CLAIMS if claim.contrast is None)


def test_the_claims_are_judged_by_the_report() -> None:
    report = study_report()
    words = [verdict(claim, report.contrasts).word for claim in CLAIMS[:4]]
    assert words[0] is Word.CONSISTENT
    assert words[3] is Word.CONSISTENT, "text made it worse"
