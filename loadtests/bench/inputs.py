"""The items of the benchmarks, in mixed languages: real XCOPA where it is, else the sample."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

from app.engine.tokenizer import CausalItem, PairTokenizer, Rows
from loadtests.items import Item, load_items

SEED = 7


def mixed_items(count: int) -> list[Item]:
    """Return that many items, each language as often as any other, in an order of chance."""
    data = os.environ.get("XCOPA_DATA_DIR")
    by_language = load_items(Path(data) if data else None)
    chance = random.Random(SEED)  # noqa: S311 - an order, no secret
    languages = [*by_language.values()]
    items = [chance.choice(languages[turn % len(languages)]) for turn in range(count)]
    chance.shuffle(items)
    return items


def rows_of(tokenizer: PairTokenizer, items: list[Item]) -> list[Rows]:
    """Return the rows of each item."""
    encoded = tokenizer.encode([CausalItem(**item) for item in items])
    return [rows for rows in encoded if isinstance(rows, tuple)]


def body(item: Item, **more: str) -> bytes:
    """Return the body of a request for an item."""
    return json.dumps({**item, **more}).encode()
