"""Whether a tokenizer is the one that a model was trained with, as far as files can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tokenizers import Tokenizer

from app.errors import StartError

LEAST_SHARE = 0.9
"""Of the rows of a model's table, how many a tokenizer must use. Tables are made a little larger
than their vocabulary, for alignment; a tokenizer of another model is smaller by more."""

_PAIR = ("a", "b")
"""Texts to try a tokenizer with. Any do: what it puts around two of them is looked at."""


class Vocabulary(Protocol):
    """What a model's config says of its tokens."""

    @property
    def vocab_size(self) -> int: ...
    @property
    def bos_token_id(self) -> int: ...
    @property
    def eos_token_id(self) -> int: ...


def pieces_of(tokenizer: Tokenizer) -> int:
    """Return how many rows a table must have for a tokenizer.

    Not the number of its pieces: ids may have gaps, and the highest must still be a row.
    """
    return 1 + max(tokenizer.get_vocab().values(), default=-1)


def check_tokenizer(
    tokenizer: Tokenizer, config: Vocabulary, path: Path, pieces: int | None = None
) -> None:
    """Refuse a tokenizer whose ids mean something else to the model.

    Args:
        tokenizer: read from the path.
        config: of the model.
        path: for messages.
        pieces: what ``pieces_of`` returns for it, where that is known.

    Raises:
        StartError: it has more pieces than the model or far fewer, cannot read a text, or does
            not put ``<s>`` first and ``</s>`` last.
    """
    pieces = pieces_of(tokenizer) if pieces is None else pieces
    if pieces > config.vocab_size or pieces < LEAST_SHARE * config.vocab_size:
        raise StartError(
            f"{path} has {pieces} pieces and its model {config.vocab_size}: it is another "
            "model's tokenizer"
        )
    try:
        ids = tokenizer.encode(*_PAIR).ids
    except Exception as error:  # tokenizers raises nothing narrower
        raise StartError(f"{path} cannot read a text: {error}") from error
    ends = (config.bos_token_id, config.eos_token_id)
    if not ids or (ids[0], ids[-1]) != ends:
        raise StartError(
            f"{path} does not put <s> first and </s> last, as ids {ends[0]} and {ends[1]}: it is "
            "another model's tokenizer, or was saved without its post-processor"
        )
