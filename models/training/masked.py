"""Masked language modelling on text files: it keeps an encoder multilingual during a task.

Phang et al. (2020, arXiv 2005.13013) use it while they train the intermediate task.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from models.tasks.example import DataError
from models.tasks.reading.text import text_lines, undecodable
from models.training.example_tokenizer import IGNORED, Encoded

MASKED = 0.15
"""The share of tokens that is asked for; of these 80 % are hidden, 10 % replaced by any token and
10 % left as they are (Devlin et al. 2019, arXiv 1810.04805)."""

_HIDDEN, _REPLACED = 0.8, 0.9


class Masker:
    """Hides tokens of rows, each time others."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        mask, padding = tokenizer.token_to_id("<mask>"), tokenizer.token_to_id("<pad>")
        if mask is None or padding is None:
            raise DataError("the tokenizer of the base has no <mask>, so no text can be masked")
        self._mask: int = mask
        self._pieces = tokenizer.get_vocab_size()
        self._special = {tokenizer.token_to_id(piece) for piece in ("<s>", "</s>", "<pad>")}

    def hide(self, row: Sequence[int], seed: str) -> Encoded:
        """Return the row with tokens hidden, and what they were; at least one is asked for."""
        generator = random.Random(seed)  # noqa: S311 - no secret
        places = [place for place, piece in enumerate(row) if piece not in self._special]
        count = max(1, round(MASKED * len(places)))
        shown, target = list(row), [IGNORED] * len(row)
        for place in generator.sample(places, count):
            target[place] = row[place]
            shown[place] = self._instead(row[place], generator)
        return Encoded((tuple(shown),), tuple(target))

    def _instead(self, piece: int, generator: random.Random) -> int:
        draw = generator.random()
        if draw < _HIDDEN:
            return self._mask
        if draw < _REPLACED:
            return generator.randrange(self._pieces)
        return piece


def read_passages(files: Sequence[Path]) -> list[str]:
    """Read text files with one passage on each line; blank lines are ignored.

    Raises:
        DataError: a file is missing, is not UTF-8, or none of them has text.
    """
    passages = [passage for file in files for passage in _passages_of(file)]
    if not passages:
        raise DataError("masked_text.files hold no text")
    return passages


def _passages_of(file: Path) -> Iterator[str]:
    if not file.is_file():
        raise DataError(f"masked_text.files: there is no file {file}")
    for number, line in text_lines(file):
        if reason := undecodable(line):
            raise DataError(f"masked_text.files: {file}:{number} {reason}")
        if passage := line.strip():
            yield passage


def rows_of(passages: Sequence[str], tokenizer: Tokenizer, max_tokens: int) -> list[Encoded]:
    """Encode passages as ``<s> text </s>``, long ones in parts; nothing is hidden yet."""
    begin, end = tokenizer.encode("").ids
    inside = max_tokens - 2
    rows = []
    for passage in passages:
        ids = tokenizer.encode(passage, add_special_tokens=False).ids
        parts = (ids[start : start + inside] for start in range(0, len(ids), inside))
        # A text of special pieces only has nothing to mask.
        rows += [Encoded(((begin, *part, end),), ()) for part in parts if set(part) - {begin, end}]
    if not rows:
        raise DataError("masked_text.files hold no text that the tokenizer reads")
    return rows
