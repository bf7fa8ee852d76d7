"""How many tokens a question has."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from planning.lengths import TOKENS_BY_LANGUAGE, LengthMix
from planning.speed import PlanningError


def test_lengths_are_read_with_their_shares() -> None:
    mix = LengthMix.parse("50:3, 200")
    assert mix.weights == {50: 3.0, 200: 1.0}
    assert mix.mean == pytest.approx(87.5)


def test_a_length_that_is_given_twice_has_both_shares() -> None:
    assert LengthMix.parse("50:1,50:2").weights == {50: 3.0}


@pytest.mark.parametrize("text", ["", "fifty", "50:", "50:x", "5.5:1"])
def test_a_share_may_be_left_out_and_nothing_else(text: str) -> None:
    if text == "50:":
        assert LengthMix.parse(text).weights == {50: 1.0}
        return
    with pytest.raises(PlanningError) as caught:
        LengthMix.parse(text)
    assert str(caught.value) == f"{text!r} is no number of tokens with its share, such as 50:3"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({}, "a mix of lengths has a length at least"),
        ({50: 0.0}, "a mix of lengths has a length at least"),
        ({50: math.nan}, "a share is 1,000,000,000 at most"),
        ({50: math.inf}, "a share is 1,000,000,000 at most"),
        ({10**7: 1.0}, "a length is 1,000,000 tokens at most"),
        ({0: 1.0}, "a length is 1 token at least, and its share 0 at least"),
        ({50: 2.0, 60: -1.0}, "a length is 1 token at least, and its share 0 at least"),
    ],
)
def test_a_mix_without_lengths_is_refused(weights: dict[int, float], message: str) -> None:
    with pytest.raises(PlanningError) as caught:
        LengthMix(weights)
    assert str(caught.value) == message


def test_languages_are_mixed_evenly() -> None:
    mix = LengthMix.of_languages(["en", "qu"])
    both = [*TOKENS_BY_LANGUAGE["en"], *TOKENS_BY_LANGUAGE["qu"]]
    assert mix.weights == Counter(both)


def test_all_languages_are_the_usual_mix() -> None:
    assert sum(LengthMix.usual().weights.values()) == 8 * len(TOKENS_BY_LANGUAGE)


def test_a_language_that_is_not_known_is_named_with_those_that_are() -> None:
    with pytest.raises(PlanningError) as caught:
        LengthMix.of_languages(["en", "de"])
    known = "en, et, ht, id, it, qu, sw, ta, th, tr, vi, zh"
    assert str(caught.value) == f"'de' is not one of {known}"


def test_lengths_are_drawn_as_often_as_their_shares_say() -> None:
    drawn = LengthMix({10: 1, 30: 3}).draw(4_000, np.random.default_rng(1))
    assert Counter(drawn.tolist())[30] / 4_000 == pytest.approx(0.75, abs=0.02)
    assert set(drawn.tolist()) == {10, 30}
