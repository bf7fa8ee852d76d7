"""The items of the measurements, in mixed languages: XCOPA if it is there, else the sample."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

from app.engine.tokenizer import CausalItem, PairTokenizer, Rows
from app.settings import STILTS
from loadtests.items import ItemFields, load_items

MODEL = STILTS
"""The variant that is measured: both have the same shape, and so the same speed."""

BODIES = 1024
SEED = 7


def mixed_items(count: int) -> list[ItemFields]:
    """Return that many items, each language as often as any other, in a random order."""
    data = os.environ.get("XCOPA_DATA_DIR")
    by_language = load_items(Path(data) if data else None)
    chance = random.Random(SEED)  # noqa: S311 - an order, no secret
    languages = [*by_language.values()]
    items = [chance.choice(languages[turn % len(languages)]) for turn in range(count)]
    chance.shuffle(items)
    return items


def rows_of(tokenizer: PairTokenizer, items: Sequence[ItemFields]) -> list[Rows]:
    """Return the rows of each item that fits the model."""
    encoded = tokenizer.encode([CausalItem(**item) for item in items])
    return [rows for rows in encoded if isinstance(rows, tuple)]


def body(item: ItemFields, model: str = MODEL) -> bytes:
    """Return the body of a request for one item."""
    return json.dumps({**item, "model": model}).encode()


def batch_body(items: Sequence[ItemFields], model: str = MODEL) -> bytes:
    """Return the body of a request for a list of items."""
    return json.dumps({"items": items, "model": model}).encode()


def mixed_bodies(count: int = BODIES) -> list[bytes]:
    """Return the bodies of requests for mixed items, one item each."""
    return [body(item) for item in mixed_items(count)]
