"""Languages of a file are paired by numbers and labels, and what cannot be is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.evaluation.ask.file_items import collect_file
from models.evaluation.ask.translations import unpaired
from models.evaluation.measure.accuracy import Mean, measure_file
from models.tasks.example import DataError
from tests.models.evaluation.stand_ins import predicted
from tests.models.tasks.invented_causal import copa_item


def in_language(language: str, numbers: range) -> list[dict[str, Any]]:
    return [{**copa_item(n), "idx": n, "language": language} for n in numbers]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


def means(path: Path) -> tuple[Mean, ...]:
    return measure_file(predicted(collect_file(path), ["direct", "stilts"])).means


def test_what_keeps_languages_apart_is_named() -> None:
    assert unpaired({"et": {1: 0, 2: 1}, "th": {2: 1, 1: 0}}) is None
    assert unpaired({"et": {1: 0, 2: 1}, "th": {1: 0}}) == "item 2 is in et or in th alone"
    told = "item 2 has one right choice in et and another in th"
    assert unpaired({"et": {1: 0, 2: 1}, "th": {1: 0, 2: 0}}) == told


def test_a_shuffled_language_gives_the_same_mean(tmp_path: Path) -> None:
    rows = in_language("et", range(30)) + in_language("th", range(30))
    before = means(write_rows(tmp_path / "mine.jsonl", rows))
    rows.sort(key=lambda row: (7 * row["idx"] + len(rows) * (row["language"] == "et")) % 31)
    after = means(write_rows(tmp_path / "mine.jsonl", rows))
    assert len(before) == 1
    assert after[0].accuracy == before[0].accuracy


def test_languages_whose_labels_differ_have_no_mean_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = in_language("et", range(30)) + in_language("th", range(30))
    rows[33]["label"] = 1 - rows[33]["label"]
    assert not means(write_rows(tmp_path / "mine.jsonl", rows))
    assert "item 3 has one right choice in et and another in th, so there is no mean" in caplog.text


def test_a_number_that_is_there_twice_is_named_with_both_rows(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "mine.jsonl", in_language("et", range(3)) * 2)
    told = r"mine\.jsonl:4: the number 0 is that of .*mine\.jsonl:1 too"
    with pytest.raises(DataError, match=told):
        collect_file(path)
