"""XCOPA, its defect, and the repair, on real rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.tasks import copa, ecare, xcopa
from models.tasks.example import DataError

DEFECTS = {"th": 250, "tr": 51, "sw": 37, "id": 4, "it": 4}
"""Questions of the test files that contradict COPA, as the data's own notes count them."""


@pytest.mark.parametrize("language", xcopa.LANGUAGES)
def test_the_repair_changes_the_known_defects_and_nothing_else(data: Path, language: str) -> None:
    upstream = xcopa.load(data, language, "test", "upstream")
    repaired = xcopa.load(data, language, "test", "repaired")
    changed = [(a, b) for a, b in zip(upstream, repaired, strict=True) if a != b]
    assert len(upstream) == 500
    assert len(changed) == DEFECTS.get(language, 0)
    assert all(a.label == b.label and a.item.premise == b.item.premise for a, b in changed)
    questions = [example.item.question for example in copa.load(data, "test")]
    assert [example.item.question for example in repaired] == questions


def test_rows_that_do_not_correspond_are_not_repaired(data: Path) -> None:
    english = copa.load(data, "test")
    with pytest.raises(DataError, match="correspond"):
        xcopa.repair(english, english[::-1])


def test_development_premises_that_training_has_seen_are_left_out(data: Path) -> None:
    seen = {example.item.premise for example in ecare.load(data, "train")}
    kept = ecare.load(data, "val")
    assert len(kept) == 2132 - 282
    assert not any(example.item.premise in seen for example in kept)


def test_training_and_measuring_share_no_copa_item(data: Path) -> None:
    train, val, test = ({each.item for each in copa.load(data, s)} for s in copa.SPLITS)
    assert (len(train), len(val), len(test)) == (400, 100, 500)
    assert not train & val
    assert not (train | val) & test


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"copa.*--data"):
        copa.load(tmp_path, "test")


@pytest.mark.parametrize(
    "row",
    [
        {"premise": "a", "choice1": "b", "choice2": "c", "question": "cause"},
        {"premise": "a", "choice1": "b", "choice2": "c", "question": "why", "label": 0},
        {"premise": "a", "choice1": "b", "choice2": "c", "question": "cause", "label": 2},
    ],
)
def test_a_row_that_is_no_example_is_shown(tmp_path: Path, row: dict[str, object]) -> None:
    (tmp_path / "copa").mkdir()
    (tmp_path / "copa" / "test.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(DataError):
        copa.load(tmp_path, "test")


def test_a_line_that_is_not_json_is_numbered(tmp_path: Path) -> None:
    (tmp_path / "copa").mkdir()
    (tmp_path / "copa" / "test.jsonl").write_text("\n{", encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.jsonl:2"):
        copa.load(tmp_path, "test")
