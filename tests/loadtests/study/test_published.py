"""How the claims of others stand, by rules."""

from __future__ import annotations

from dataclasses import replace

from loadtests.study.published import (
    CONTRADICTED,
    NOT_TESTABLE,
    REPRODUCED,
    RESULTS,
    Standing,
    standings,
)
from models.intermediate.claims import CLAIMS, Word
from models.intermediate.contrasts import SIDES, Contrast
from models.intermediate.figures import Difference
from models.statistics import Estimate
from tests.loadtests.study.made import OWN

LARGE = "FacebookAI/xlm-roberta-large"


def of(found: tuple[Standing, ...], begins: str) -> Standing:
    [each] = [each for each in found if each.claim.startswith(begins)]
    return each


def pair(low: float, high: float) -> Standing:
    own = replace(OWN, difference=Estimate((low + high) / 2, low, high))
    return of(standings(own, None, None), f"{CLAIMS[0].text}: the pair")


def test_every_claim_and_every_published_figure_has_a_word_and_a_reason() -> None:
    found = standings(None, None, None)
    assert len(found) == len(CLAIMS) + 1 + len(RESULTS)
    assert all(each.word and each.reason and each.source for each in found)
    assert {each.word for each in found} == {NOT_TESTABLE}


def test_the_pair_that_is_served_is_judged_by_its_interval() -> None:
    assert pair(0.01, 0.09).word == Word.CONSISTENT
    assert pair(-0.09, -0.01).word == Word.CONTRADICTED
    assert pair(-0.01, 0.09).word == NOT_TESTABLE
    assert "+5.0 [+1.0, +9.0]" in pair(0.01, 0.09).reason


def test_what_cannot_be_told_had_other_words_in_each_row_and_no_reason() -> None:
    unclear = Difference(Estimate(0.01, -0.02, 0.04), 0.5)
    contrasts = {
        name: Contrast(first, second, (), {"nine": unclear})
        for name, (first, second) in SIDES.items()
    }
    found = standings(OWN, None, contrasts)
    tested = {claim.text for claim in CLAIMS if claim.contrast}
    told = [each for each in found if each.claim in tested]
    assert len(told) == len(tested) == 4
    for each in (*told, pair(-0.01, 0.09)):
        assert each.word == NOT_TESTABLE == "not testable here"
        assert each.reason.endswith("too few items and seeds to tell")


def test_a_contrast_that_was_not_run_says_so_and_nothing_of_its_size() -> None:
    contrasts = {
        name: Contrast(first, second, ("mnli",), {}) for name, (first, second) in SIDES.items()
    }
    found = of(standings(OWN, None, contrasts), CLAIMS[1].text)
    assert (found.word, found.reason) == (NOT_TESTABLE, "not run: mnli")


def test_a_published_figure_needs_the_same_base() -> None:
    other = of(standings(OWN, "embedded:small", None), "XLM-R large")
    assert other.word == NOT_TESTABLE
    assert "embedded:small and not xlm-roberta-large" in other.reason
    assert "58.0 [56.0, 60.0]" in other.reason


def test_a_published_figure_of_the_same_base_is_reproduced_or_contradicted() -> None:
    near = replace(OWN, all_languages=Estimate(0.68, 0.66, 0.70))
    assert of(standings(near, LARGE, None), "XLM-R large").word == REPRODUCED
    assert of(standings(OWN, LARGE, None), "XLM-R large").word == CONTRADICTED


def test_what_others_did_besides_is_not_tested_with_the_same_base() -> None:
    found = of(standings(OWN, "xlm-roberta-base", None), "MAD-X")
    assert found.word == NOT_TESTABLE
    assert "adapter for each language" in found.reason


def test_claims_of_the_paper_follow_the_study_of_intermediate_sets() -> None:
    better = Difference(Estimate(0.05, 0.02, 0.08), 0.001)
    contrasts = {
        name: Contrast(first, second, (), {"nine": better})
        for name, (first, second) in SIDES.items()
    }
    found = standings(OWN, None, contrasts)
    words = {each.claim: each.word for each in found}
    assert words[CLAIMS[0].text] == Word.CONSISTENT
    assert words[CLAIMS[3].text] == Word.CONTRADICTED
    assert "make intermediate" in of(standings(OWN, None, None), CLAIMS[1].text).reason
