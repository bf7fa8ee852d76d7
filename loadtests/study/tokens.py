"""How many tokens an item has, by language and variant: what the engine is paid in."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer
from transformers import XLMRobertaConfig

from app.engine.prompt import Prompt
from app.engine.tokenizer import CausalItem, PairTokenizer
from app.weights.checkpoint import Checkpoint
from app.weights.loading import max_tokens
from loadtests.items import ItemFields


@dataclass(frozen=True)
class TokenCount:
    """The items of a language as one variant reads them."""

    mean: float
    """Of an item, both rows together."""
    most: int
    refused: int
    """Items that the model cannot read, because a row is too long: they cost no pass at all."""


@dataclass(frozen=True)
class LanguageTokens:
    """The items of a language."""

    language: str
    items: int
    variants: dict[str, TokenCount]


def pair_tokenizer(checkpoint: Checkpoint, prompt: Prompt | None = None) -> PairTokenizer:
    """Return what makes rows for a variant.

    Args:
        checkpoint: of the variant.
        prompt: in place of its own.

    Raises:
        StartError: it has no tokenizer, or its ``xcopa.json`` is not as it must be.
    """
    config = XLMRobertaConfig.from_pretrained(checkpoint.full)
    pieces = Tokenizer.from_file(str(checkpoint.tokenizer_file))
    return PairTokenizer(pieces, prompt or checkpoint.config.prompt, max_tokens(config))


def count(
    tokenizers: Mapping[str, PairTokenizer], items: Mapping[str, Sequence[ItemFields]]
) -> tuple[LanguageTokens, ...]:
    """Count the tokens of every item.

    Args:
        tokenizers: by variant.
        items: by language.
    """
    return tuple(
        LanguageTokens(
            language,
            len(own),
            {variant: _count(tokenizer, own) for variant, tokenizer in tokenizers.items()},
        )
        for language, own in sorted(items.items())
    )


def row_lengths(tokenizer: PairTokenizer, items: Sequence[ItemFields]) -> list[tuple[int, ...]]:
    """Return the tokens of each row, item by item; those that cannot be read are left out."""
    encoded = tokenizer.encode([CausalItem(**item) for item in items])
    return [tuple(map(len, rows)) for rows in encoded if isinstance(rows, tuple)]


def _count(tokenizer: PairTokenizer, items: Sequence[ItemFields]) -> TokenCount:
    tokens = [sum(rows) for rows in row_lengths(tokenizer, items)]
    refused = len(items) - len(tokens)
    if not tokens:
        return TokenCount(0.0, 0, refused)
    return TokenCount(statistics.fmean(tokens), max(tokens), refused)
