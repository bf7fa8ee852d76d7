"""What it costs to refuse an item that is too long: its texts become tokens, and no model runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.engine.tokenizer import CausalItem, PairTokenizer
from loadtests.items import ItemFields

_TURNS = 25


@dataclass(frozen=True)
class RefusalCost:
    """Of one item that no variant can read."""

    words: int
    """Of its premise, which is a premise of the items again and again."""
    seconds: dict[str, float]
    """Of the processor, by variant."""


def refusal_cost(tokenizers: Mapping[str, PairTokenizer], item: ItemFields) -> RefusalCost:
    """Measure it: the median of some turns, which the variants take one after the other.

    Args:
        tokenizers: by variant.
        item: becomes too long by its premise.
    """
    long = next(each for each in _longer(item) if not _any_reads(tokenizers, each))
    turns: dict[str, list[float]] = {name: [] for name in tokenizers}
    for _ in range(_TURNS):
        for name, tokenizer in tokenizers.items():
            began = time.process_time()
            tokenizer.encode([long])
            turns[name].append(time.process_time() - began)
    seconds = {name: statistics.median(own) for name, own in turns.items()}
    return RefusalCost(len(long.premise.split()), seconds)


def _longer(item: ItemFields) -> Iterator[CausalItem]:
    premise = item["premise"]
    while True:
        premise = f"{premise} {premise}"
        yield CausalItem(**{**item, "premise": premise})


def _any_reads(tokenizers: Mapping[str, PairTokenizer], item: CausalItem) -> bool:
    return any(isinstance(own.encode([item])[0], tuple) for own in tokenizers.values())
