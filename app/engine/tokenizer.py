"""Pairs of texts to token ids: ``<s> premise </s></s> question in words, choice </s>``.

Hugging Face's ``tokenizers`` does the work and releases the interpreter's lock meanwhile, so other
threads can run. Texts are never truncated.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from tokenizers import Encoding, Tokenizer

from app.engine.prompt import Prompt
from app.errors import FieldError, InvalidRequestError, TextTooLongError

SEPARATOR_PIECE = "\u2581"
"""The piece of a single space; a text with no other piece has no content."""


class HasChoices(Hashable, Protocol):
    """A question about a premise, and the choices that may answer it."""

    @property
    def premise(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def choices(self) -> tuple[str, ...]: ...
    @property
    def choice_fields(self) -> tuple[str, ...]:
        """What the caller calls each choice; errors name it."""


@dataclass(frozen=True)
class CausalItem:
    """One question: which of two choices is the more plausible cause or effect of a premise."""

    premise: str
    choice1: str
    choice2: str
    question: str

    @property
    def choices(self) -> tuple[str, str]:
        return self.choice1, self.choice2

    @property
    def choice_fields(self) -> tuple[str, str]:
        return "choice1", "choice2"


@dataclass(frozen=True)
class RankItem:
    """One question with any number of choices, which are to be put in order."""

    premise: str
    choices: tuple[str, ...]
    question: str

    @property
    def choice_fields(self) -> tuple[str, ...]:
        return tuple(f"choices.{index}" for index in range(len(self.choices)))


def characters(item: HasChoices) -> int:
    """Return how many characters are read to make the rows: the premise stands in every row."""
    return len(item.choices) * len(item.premise) + sum(map(len, item.choices))


Rows = tuple[tuple[int, ...], ...]
"""Token ids of an item, one row a choice."""


class PairTokenizer:
    """Turns items into rows for one variant: its pieces, its prompt, its limit."""

    def __init__(self, tokenizer: Tokenizer, prompt: Prompt, max_tokens: int) -> None:
        # Variants share it. To change it waits for every thread that reads a text with it, and no
        # other thread runs meanwhile (tokenizers 0.23).
        if tokenizer.truncation is not None:
            tokenizer.no_truncation()
        if tokenizer.padding is not None:
            tokenizer.no_padding()
        self._tokenizer = tokenizer
        self.prompt = prompt
        self.max_tokens = max_tokens

    def __eq__(self, other: object) -> bool:
        """Whether the two make the same rows of every item."""
        return isinstance(other, PairTokenizer) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[int, Prompt, int]:
        return id(self._tokenizer), self.prompt, self.max_tokens

    def encode(self, items: Sequence[HasChoices]) -> list[Rows | InvalidRequestError]:
        """Return each item's rows, or why it has none; a bad item leaves the others alone."""
        pairs = [
            self.prompt.pair(item.premise, item.question, choice)
            for item in items
            for choice in item.choices
        ]
        encodings = iter(self._tokenizer.encode_batch_fast(pairs))
        return [self._rows(item, list(islice(encodings, len(item.choices)))) for item in items]

    def _rows(self, item: HasChoices, encodings: Sequence[Encoding]) -> Rows | InvalidRequestError:
        if blank := self._blank_fields(item):
            return InvalidRequestError(blank)
        long = [
            self._too_long(item, name, choice, len(encoding.ids))
            for name, choice, encoding in zip(
                item.choice_fields, item.choices, encodings, strict=True
            )
            if len(encoding.ids) > self.max_tokens
        ]
        if long:
            return TextTooLongError(long)
        return tuple(tuple(encoding.ids) for encoding in encodings)

    def _blank_fields(self, item: HasChoices) -> list[FieldError]:
        """Find texts of which the tokenizer keeps nothing, such as zero-width spaces alone."""
        texts = {
            "premise": item.premise,
            **dict(zip(item.choice_fields, item.choices, strict=True)),
        }
        return [
            FieldError(name, "must contain text that the model can read; it is blank")
            for name, text in texts.items()
            if not self._has_content(text)
        ]

    def _has_content(self, text: str) -> bool:
        # A letter or digit always makes a piece; only the rare text without one is asked about.
        if any(map(str.isalnum, text)):
            return True
        pieces = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return any(piece != SEPARATOR_PIECE for piece in pieces)

    def _too_long(self, item: HasChoices, name: str, choice: str, tokens: int) -> FieldError:
        longest = "premise" if len(item.premise) >= len(choice) else name
        return FieldError(
            longest,
            f"is too long: premise, question and {name} make {tokens} tokens together and this "
            f"model reads {self.max_tokens} at most; shorten the text, it is never truncated",
        )
