"""Pairs to rows: the form of a row, its limit, and texts without content."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from tokenizers import Tokenizer

from app.engine.prompt import Prompt
from app.engine.tokenizer import CausalItem, PairTokenizer, RankItem, characters
from app.errors import InvalidRequestError, TextTooLongError
from tests import tiny

ITEM = CausalItem("The man slipped.", "The floor was wet.", "He was singing.", "cause")


@pytest.fixture(scope="module")
def raw() -> Tokenizer:
    return tiny.tokenizer()


@pytest.fixture(scope="module")
def pairs(raw: Tokenizer) -> PairTokenizer:
    return PairTokenizer(raw, Prompt("Why?", "So?"), tiny.MAX_TOKENS)


def test_a_row_is_the_premise_then_the_question_in_words_and_the_choice(
    pairs: PairTokenizer, raw: Tokenizer
) -> None:
    [rows] = pairs.encode([ITEM])
    assert not isinstance(rows, InvalidRequestError)
    assert list(rows[1]) == raw.encode("The man slipped.", "Why? He was singing.").ids


def test_the_question_changes_the_words(pairs: PairTokenizer) -> None:
    cause, effect = pairs.encode([ITEM, replace(ITEM, question="effect")])
    assert cause != effect


def test_text_is_never_truncated(pairs: PairTokenizer, raw: Tokenizer) -> None:
    [error] = pairs.encode([replace(ITEM, choice2="very " * 400 + "long")])
    assert isinstance(error, TextTooLongError)
    [field] = error.errors
    assert field.field == "choice2"
    tokens = len(raw.encode("The man slipped.", "Why? " + "very " * 400 + "long").ids)
    assert field.message == (
        f"is too long: premise, question and choice2 make {tokens} tokens together and this model "
        f"reads {tiny.MAX_TOKENS} at most; shorten the text, it is never truncated"
    )


def test_a_premise_that_is_too_long_is_the_field_that_is_named(pairs: PairTokenizer) -> None:
    [error] = pairs.encode([replace(ITEM, premise="very " * 400 + "long")])
    assert isinstance(error, TextTooLongError)
    assert {field.field for field in error.errors} == {"premise"}


def test_a_row_of_exactly_the_limit_is_read(raw: Tokenizer) -> None:
    generous = PairTokenizer(raw, Prompt("Why?", "So?"), 10_000)
    [rows] = generous.encode([ITEM])
    assert not isinstance(rows, InvalidRequestError)
    longest = max(map(len, rows))
    [fits] = PairTokenizer(raw, Prompt("Why?", "So?"), longest).encode([ITEM])
    [exceeds] = PairTokenizer(raw, Prompt("Why?", "So?"), longest - 1).encode([ITEM])
    assert fits == rows
    assert isinstance(exceeds, TextTooLongError)


def test_a_text_that_leaves_no_pieces_is_blank(pairs: PairTokenizer) -> None:
    bad, good = pairs.encode([replace(ITEM, premise="\u3000\u00a0"), ITEM])
    assert isinstance(bad, InvalidRequestError)
    [field] = bad.errors
    assert field.field == "premise"
    assert field.message == "must contain text that the model can read; it is blank"
    assert not isinstance(good, InvalidRequestError)


def test_punctuation_alone_is_content(pairs: PairTokenizer) -> None:
    [rows] = pairs.encode([replace(ITEM, choice1="...!")])
    assert not isinstance(rows, InvalidRequestError)


def test_a_premise_as_long_as_the_choice_is_the_field_that_is_named(pairs: PairTokenizer) -> None:
    text = "very " * 200
    [error] = pairs.encode([replace(ITEM, premise=text, choice1=text)])
    assert isinstance(error, TextTooLongError)
    assert {field.field for field in error.errors} == {"premise"}


def test_every_blank_field_is_named(pairs: PairTokenizer) -> None:
    [error] = pairs.encode([CausalItem(" ", "\u3000", "", "cause")])
    assert isinstance(error, InvalidRequestError)
    assert [field.field for field in error.errors] == ["premise", "choice1", "choice2"]


def test_a_tokenizer_that_truncates_or_pads_is_told_not_to() -> None:
    raw = tiny.tokenizer()
    expected = raw.encode(ITEM.premise, f"Why? {ITEM.choice1}").ids
    raw.enable_truncation(4)
    raw.enable_padding(length=64)
    [rows] = PairTokenizer(raw, Prompt("Why?", "So?"), tiny.MAX_TOKENS).encode([ITEM])
    assert not isinstance(rows, InvalidRequestError)
    assert list(rows[0]) == expected


def test_the_characters_of_an_item_are_those_of_its_rows() -> None:
    assert characters(CausalItem("aaa", "bc", "def", "cause")) == 11
    assert characters(RankItem("aaa", ("bc", "def", "g"), "cause")) == 15


def test_tokenizers_are_equal_to_their_like_and_to_nothing_else(raw: Tokenizer) -> None:
    one, same = (PairTokenizer(raw, Prompt("Why?", "So?"), 9) for _ in range(2))
    assert one == same
    assert hash(one) == hash(same)
    assert one != PairTokenizer(raw, Prompt("Why?", "So?"), 8)
    assert one != PairTokenizer(raw, Prompt("Why?", "And?"), 9)
    assert one != PairTokenizer(tiny.tokenizer(), Prompt("Why?", "So?"), 9)
    assert one != "one"


class Unchangeable:
    """A tokenizer that has been made ready, and that another thread reads a text with."""

    truncation = padding = None

    def no_truncation(self) -> None:
        raise AssertionError("it is changed, which waits for the other thread")

    no_padding = no_truncation


def test_a_tokenizer_that_is_ready_is_not_changed() -> None:
    PairTokenizer(cast("Tokenizer", Unchangeable()), Prompt(), 20)


def test_a_tokenizer_that_cuts_or_pads_is_made_ready(raw: Tokenizer) -> None:
    made = Tokenizer.from_str(raw.to_str())
    made.enable_truncation(5)
    made.enable_padding(length=40)
    whole = PairTokenizer(made, Prompt(), 1_000).encode([ITEM])
    assert whole == PairTokenizer(raw, Prompt(), 1_000).encode([ITEM])
