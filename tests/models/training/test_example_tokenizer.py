"""Encoding: the rows that the service makes, and what each head is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from app.engine.prompt import Prompt
from app.engine.tokenizer import CausalItem, PairTokenizer
from models.tasks.example import Choices, Example, Sentences, Span, Tagged
from models.training.example_tokenizer import IGNORED, ExampleTokenizer
from tests import tiny

PROMPT = Prompt("Why?", "So?")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.headless(tmp_path_factory.mktemp("base"))


def encoder(base: Path, max_tokens: int = 200) -> ExampleTokenizer:
    return ExampleTokenizer(base, PROMPT, max_tokens)


def test_a_causal_item_has_the_rows_that_the_service_makes(base: Path) -> None:
    item = CausalItem("It rained.", "The street is wet.", "The sun came out.", "effect")
    served = PairTokenizer(Tokenizer.from_file(str(base / "tokenizer.json")), PROMPT, 200)
    (encoded,) = encoder(base).encode([Example(item, 1)])
    assert encoded.rows == served.encode([item])[0]
    assert encoded.target == (1,)


def test_choices_have_a_row_each_and_sentences_one(base: Path) -> None:
    choices, pair, single = encoder(base).encode(
        [
            Choices("The street", ("is wet", "sings", "flies"), 2),
            Sentences("It rains.", "It is wet.", 1),
            Sentences("It rains.", None, 0),
        ]
    )
    assert len(choices.rows) == 3
    assert choices.target == (2,)
    assert len(pair.rows) == len(single.rows) == 1
    assert len(single.rows[0]) < len(pair.rows[0])


def test_a_long_context_loses_its_beginning(base: Path) -> None:
    context = " ".join(f"rain{number}" for number in range(60))
    long = Choices(context, ("is wet", "sings"), 0)
    (whole,) = encoder(base, 2000).encode([long])
    (short,) = encoder(base, 40).encode([long])
    for row, full in zip(short.rows, whole.rows, strict=True):
        assert len(row) == 40
        assert row[0] == full[0]
        assert row[1:] == full[-39:]


@pytest.mark.parametrize("context", ["It", "It rained and rained " * 20])
def test_an_ending_that_is_too_long_alone_loses_its_end(base: Path, context: str) -> None:
    ending = " ".join(f"rain{number}" for number in range(40))
    (short,) = encoder(base, 40).encode([Choices(context, (ending, "b"), 0)])
    (whole,) = encoder(base, 2000).encode([Choices(context, (ending, "b"), 0)])
    row, full = short.rows[0], list(whole.rows[0])
    assert len(row) == 40
    assert row[-1] == full[-1]
    ends = [place for place, piece in enumerate(row) if piece == 2]
    assert len(ends) == 3, "the separators stay"
    start = full.index(2) + 2
    assert list(row[ends[1] + 1 : -1]) == full[start : start + len(row) - ends[1] - 2]
    assert ends[0] > 1, "some of the context stays"


def test_an_answer_is_found_in_the_windows_that_hold_it_whole(base: Path) -> None:
    context = "It rained " * 40 + "and the street is wet " + "while people walk " * 40
    start = context.index("street is wet")
    span = Span("What is wet?", context, (start, start + len("street is wet")))
    windows = encoder(base, 64).encode([span])
    assert len(windows) > 3
    with_answer = [window for window in windows if window.target != (0, 0)]
    assert 1 <= len(with_answer) < len(windows)
    decode = Tokenizer.from_file(str(base / "tokenizer.json")).decode
    for window in with_answer:
        first, last = window.target
        assert decode(list(window.rows[0][first : last + 1])) == "street is wet"


def test_a_question_without_an_answer_points_at_the_beginning(base: Path) -> None:
    (window,) = encoder(base).encode([Span("Why?", "It rained.", None)])
    assert window.target == (0, 0)


@pytest.mark.parametrize("max_tokens", [200, 16])
def test_the_first_piece_of_a_word_carries_its_tag(base: Path, max_tokens: int) -> None:
    words = ("extraordinary", "streets", "are", "wet") * 5
    (encoded,) = encoder(base, max_tokens).encode([Tagged(words, tuple(range(20)))])
    (row,) = encoded.rows
    assert len(encoded.target) == len(row) <= max_tokens
    tags = [tag for tag in encoded.target if tag != IGNORED]
    assert tags == list(range(20))[: len(tags)]
    assert (len(tags) == 20) is (max_tokens == 200)
    assert encoded.target[0] == encoded.target[-1] == IGNORED
