"""Items and their mirrors are twins by their texts, not by their places alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.items import collect
from models.evaluation.ask.twins import check_twins
from models.tasks.example import DataError, Example
from tests.models.tasks.invented_causal import write_measured

ORIGINAL = Example(CausalItem("Rain fell.", "It was wet.", "It was dry.", "effect"), 0)
MIRROR = Example(CausalItem("No rain fell.", "it was  dry.", "It was wet.", "effect"), 0)


def check(original: Example, number: int = 7) -> None:
    check_twins({number: original}, "copa/train.jsonl", {1007: MIRROR}, "balacopa.xml")


def test_twins_have_their_choices_in_any_order_and_case() -> None:
    check(ORIGINAL)


@pytest.mark.parametrize(
    ("original", "told"),
    [
        (replace(ORIGINAL, label=1), "they have the same right choice"),
        (replace(ORIGINAL, item=replace(ORIGINAL.item, choice1="It hailed.")), "choices differ"),
    ],
)
def test_what_is_no_twin_is_named_with_both_files(original: Example, told: str) -> None:
    start = r"copa/train\.jsonl: item 7 cannot be paired with item 1007 of balacopa\.xml: .*"
    with pytest.raises(DataError, match=start + told):
        check(original)
    with pytest.raises(DataError, match=r"item 8 cannot be paired with item 1008.*there is none"):
        check(ORIGINAL, number=8)


@pytest.mark.parametrize("numbers", [True, False])
def test_a_row_that_is_missing_in_the_training_items_is_named(
    tmp_path: Path, numbers: bool
) -> None:
    data = write_measured(tmp_path, items=12)
    file = data / "copa/train.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    if numbers:
        rows = [{**row, "idx": number} for number, row in enumerate(rows, start=1)]
    del rows[4]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    told = "it lacks 5, and has 12" if numbers else "item 5 cannot be paired with item 1005"
    with pytest.raises(DataError, match=rf"copa/train\.jsonl.*{told}"):
        collect(data, "test", ["upstream"])


def test_a_training_item_with_the_other_label_is_named(tmp_path: Path) -> None:
    data = write_measured(tmp_path, items=12)
    file = data / "copa/train.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    rows[2]["label"] = 1 - rows[2]["label"]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with pytest.raises(DataError, match=r"train\.jsonl: item 3 .* have the same right choice"):
        collect(data, "test", ["upstream"])


def test_how_many_items_a_split_lacks_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    collect(write_measured(tmp_path, items=12), "val", ["upstream"])
    assert "copa/train.jsonl has 12 of 400 items" in caplog.text
