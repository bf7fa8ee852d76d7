"""Tokens by language and variant, and the items that are refused before they cost anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.engine.prompt import Prompt
from app.weights.checkpoint import Checkpoint
from loadtests.items import ItemFields, load_items
from loadtests.study.tokens import count, pair_tokenizer, row_lengths
from tests.sample import sample_items

BARE = Prompt("", "", "cause-first")


@pytest.fixture
def checkpoint(tiny_stilts: Path) -> Checkpoint:
    return Checkpoint(str(tiny_stilts), tiny_stilts)


def test_a_variant_that_is_asked_in_more_words_has_more_tokens(checkpoint: Checkpoint) -> None:
    tokenizers = {"direct": pair_tokenizer(checkpoint), "stilts": pair_tokenizer(checkpoint, BARE)}
    found = count(tokenizers, load_items(None))
    assert len(found) == 12
    for each in found:
        assert each.items == 2
        direct, stilts = (each.variants[name] for name in ("direct", "stilts"))
        assert direct.mean > stilts.mean > 0
        assert direct.most >= direct.mean
        assert direct.refused == stilts.refused == 0


def test_tokens_of_an_item_are_those_of_both_rows(checkpoint: Checkpoint) -> None:
    tokenizer = pair_tokenizer(checkpoint)
    [rows] = row_lengths(tokenizer, sample_items("en")[:1])
    [found] = count({"a": tokenizer}, {"en": sample_items("en")[:1]})
    assert len(rows) == 2
    assert found.variants["a"].mean == found.variants["a"].most == sum(rows)


def test_what_is_too_long_is_refused_and_not_counted(checkpoint: Checkpoint) -> None:
    [item, *_] = sample_items("en")
    long: ItemFields = {**item, "premise": "long words " * 400}
    [found] = count({"a": pair_tokenizer(checkpoint)}, {"en": [item, long]})
    [alone] = count({"a": pair_tokenizer(checkpoint)}, {"en": [item]})
    assert found.variants["a"].refused == 1
    assert found.variants["a"].mean == alone.variants["a"].mean
    [none] = count({"a": pair_tokenizer(checkpoint)}, {"en": [long]})
    assert (none.variants["a"].mean, none.variants["a"].refused) == (0.0, 1)
