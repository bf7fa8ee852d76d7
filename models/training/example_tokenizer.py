"""Examples to token ids: rows of choices, pairs of sentences, windows, tagged sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from tokenizers import Encoding, Tokenizer

from app.engine.prompt import Prompt
from models.tasks.example import Choices, Example, Sentences, Span, Tagged

IGNORED = -100
"""The target of a token without a label; torch's cross entropy ignores it."""

WINDOW_OVERLAP = 4
"""Windows over a passage share the fourth part of their tokens."""


@dataclass(frozen=True)
class Encoded:
    """An example as its head takes it."""

    rows: tuple[tuple[int, ...], ...]
    target: tuple[int, ...]
    """Multiple choice and classification: the label. Span: the first and the last token of the
    answer, both 0 where the row has none. Tags and masked text: one a token, or ``IGNORED``."""

    @property
    def tokens(self) -> int:
        return sum(map(len, self.rows))

    @property
    def longest(self) -> int:
        return max(map(len, self.rows))


class ExampleTokenizer:
    """Encodes examples of every kind in the form that the service uses: ``<s> a </s></s> b </s>``.

    Where the service refuses a text that is too long, training shortens: of a pair the first
    text loses its beginning, since an ending continues what stands nearest to it, and a second
    text that would take more than three quarters of the room its end; a passage that is searched
    for an answer is read in overlapping windows.
    """

    def __init__(self, base: Path, prompt: Prompt, max_tokens: int) -> None:
        self.tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self._windows = Tokenizer.from_str(self.tokenizer.to_str())
        self._windows.enable_truncation(
            max_tokens, stride=max_tokens // WINDOW_OVERLAP, strategy="only_second"
        )
        self._prompt = prompt
        self._max_tokens = max_tokens

    def encode(self, examples: Sequence[Any]) -> list[Encoded]:
        """Encode examples of one task; a long passage becomes several rows apart."""
        return [encoded for example in examples for encoded in self._encode(example)]

    @singledispatchmethod
    def _encode(self, example: Any) -> Iterator[Encoded]:
        raise TypeError(f"no head takes a {type(example).__name__}")

    @_encode.register
    def _(self, example: Example) -> Iterator[Encoded]:
        item = example.item
        pairs = [self._prompt.pair(item.premise, item.question, each) for each in item.choices]
        yield self._choices(pairs, example.label)

    @_encode.register
    def _(self, example: Choices) -> Iterator[Encoded]:
        yield self._choices([(example.context, each) for each in example.endings], example.label)

    @_encode.register
    def _(self, example: Sentences) -> Iterator[Encoded]:
        yield Encoded((self._row(example.first, example.second),), (example.label,))

    @_encode.register
    def _(self, example: Span) -> Iterator[Encoded]:
        whole = self._windows.encode(example.question, example.context)
        for window in (whole, *whole.overflowing):
            yield Encoded((tuple(window.ids),), _answer_tokens(window, example.answer))

    @_encode.register
    def _(self, example: Tagged) -> Iterator[Encoded]:
        encoding = self.tokenizer.encode(list(example.words), is_pretokenized=True)
        ids = encoding.ids[: self._max_tokens - 1]
        words = encoding.word_ids[: self._max_tokens - 1]
        if len(ids) < len(encoding.ids):
            ids, words = [*ids, encoding.ids[-1]], [*words, None]
        before = [None, *words[:-1]]
        # A word's first piece carries its tag.
        target = (
            IGNORED if word is None or word == previous else example.tags[word]
            for word, previous in zip(words, before, strict=True)
        )
        yield Encoded((tuple(ids),), tuple(target))

    def _choices(self, pairs: Sequence[tuple[str, str]], label: int) -> Encoded:
        return Encoded(tuple(self._row(*pair) for pair in pairs), (label,))

    def _row(self, first: str, second: str | None) -> tuple[int, ...]:
        encoding = self.tokenizer.encode(first, second)
        if len(encoding.ids) <= self._max_tokens:
            return tuple(encoding.ids)
        # What belongs to neither text: <s>, the separators and </s>.
        of_text = encoding.sequence_ids
        own = [[i for i, owner in enumerate(of_text) if owner == text] for text in (0, 1)]
        room = self._max_tokens - of_text.count(None)
        rest = own[1][: max(room - len(own[0]), room * 3 // 4)]
        dropped = {*own[0][: len(own[0]) + len(rest) - room], *own[1][len(rest) :]}
        return tuple(piece for i, piece in enumerate(encoding.ids) if i not in dropped)


def _answer_tokens(window: Encoding, answer: tuple[int, int] | None) -> tuple[int, int]:
    if answer is None:
        return 0, 0
    inside = [
        token
        for token, (sequence, (start, stop)) in enumerate(
            zip(window.sequence_ids, window.offsets, strict=True)
        )
        if sequence == 1 and start < answer[1] and stop > answer[0]
    ]
    if not inside:
        return 0, 0
    whole = window.offsets[inside[0]][0] <= answer[0] and window.offsets[inside[-1]][1] >= answer[1]
    return (inside[0], inside[-1]) if whole else (0, 0)
