"""What it costs to refuse an item that is too long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.engine.prompt import Prompt
from app.weights.checkpoint import Checkpoint
from loadtests.study import refusals
from loadtests.study.refusals import refusal_cost
from loadtests.study.tokens import pair_tokenizer
from tests.sample import sample_items


def test_both_variants_refuse_the_same_item_in_turns(
    tiny_stilts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of each variant's turns goes at a pace of its own."""
    checkpoint = Checkpoint(str(tiny_stilts), tiny_stilts)
    own = {"direct": pair_tokenizer(checkpoint), "stilts": pair_tokenizer(checkpoint, Prompt("so"))}
    ticks = iter(
        [each for turn in range(refusals._TURNS) for each in (turn, turn + 0.25, turn, turn + 0.5)]
    )
    monkeypatch.setattr(time, "process_time", lambda: next(ticks))
    item = sample_items("en")[0]
    found = refusal_cost(own, item)
    assert found.seconds == {"direct": 0.25, "stilts": 0.5}
    words = len(item["premise"].split())
    assert found.words % words == 0
    assert found.words > words
