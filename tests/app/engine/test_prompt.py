"""A question becomes the two texts of a row."""

from __future__ import annotations

import pytest

from app.engine.prompt import Prompt

RAIN, WET = "It rained.", "The street was wet."


def test_a_question_is_asked_in_its_own_words() -> None:
    prompt = Prompt("Why?", "So?")
    assert prompt.pair(WET, "cause", RAIN) == (WET, "Why? It rained.")
    assert prompt.pair(RAIN, "effect", WET) == (RAIN, "So? The street was wet.")
    assert Prompt().pair("P", "cause", "X") == ("P", "What was the cause? X")
    assert Prompt().pair("P", "effect", "X") == ("P", "What happened as a result? X")


def test_an_empty_word_leaves_the_choice_alone() -> None:
    assert Prompt(cause="", effect="So?").pair(WET, "cause", RAIN) == (WET, RAIN)


@pytest.mark.parametrize(
    ("words", "before"), [(Prompt("", ""), ""), (Prompt("Why?", "So?"), "Why? ")]
)
def test_whichever_would_be_the_cause_can_stand_first(words: Prompt, before: str) -> None:
    prompt = Prompt(words.cause, words.effect, "cause-first")
    assert prompt.pair(WET, "cause", RAIN) == (before + RAIN, WET)
    assert prompt.pair(RAIN, "effect", WET) == words.pair(RAIN, "effect", WET)
