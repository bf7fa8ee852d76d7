"""A file of one's own becomes sets of items: languages, numbers, formats, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.ask.file_items import collect_file
from models.evaluation.ask.items import SetKey
from models.tasks.example import DataError
from tests.models.tasks.invented_causal import KETTLE, balanced_xml, copa_item

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=5)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "premise": TEXTS,
            "choice1": TEXTS,
            "choice2": TEXTS,
            "question": st.sampled_from(["cause", "effect"]),
            "label": st.integers(0, 1),
            "language": st.sampled_from(["et", "th", "a|b"]),
        }
    ),
    min_size=1,
    max_size=8,
)


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))
    return path


@given(ROWS)
def test_json_lines_and_csv_give_every_row_once_in_the_set_of_its_language(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    found = collect_file(write_rows(folder / "mine.jsonl", rows))
    table = collect_file(write_table(folder / "mine.csv", rows))
    assert list(found) == [
        SetKey("items of a file", "mine.jsonl", language)
        for language in dict.fromkeys(row["language"] for row in rows)
    ]
    assert list(table.values()) == list(found.values())
    for key, own in found.items():
        expected = [row for row in rows if row["language"] == key.language]
        assert own.labels == tuple(row["label"] for row in expected)
        assert own.ids == tuple(range(len(expected)))
        texts = [(item.premise, *item.choices, item.question) for item in own.items]
        names = ("premise", "choice1", "choice2", "question")
        assert texts == [tuple(row[name] for name in names) for row in expected]


@pytest.mark.parametrize(
    ("numbers", "ids"),
    [
        ([{"idx": 7}, {"idx": "3"}], (7, 3)),
        ([{"id": 7}, {"idx": 3}], (7, 3)),
        ([{"idx": 7}, {}], (0, 1)),
        ([{"idx": "a"}, {"idx": 1}], (0, 1)),
        ([{"idx": -1}, {"idx": 1}], (0, 1)),
        ([{"idx": "9" * 5_000}, {"idx": 1}], (0, 1)),
    ],
)
def test_rows_have_their_own_numbers_where_all_of_them_do_else_their_places(
    numbers: list[dict[str, Any]], ids: tuple[int, ...], tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "mine.jsonl", [{**KETTLE, **number} for number in numbers])
    [own] = collect_file(path).values()
    assert own.ids == ids


def test_space_in_the_name_of_a_language_makes_no_other_language(tmp_path: Path) -> None:
    languages = ["Haitian Creole", " Haitian  Creole\n"]
    rows = [{**KETTLE, "language": language} for language in languages]
    [(key, own)] = collect_file(write_rows(tmp_path / "mine.jsonl", rows)).items()
    assert (key.language, len(own.items)) == ("Haitian Creole", 2)


@pytest.mark.parametrize("suffix", [".CSV", ".Csv"])
def test_the_case_of_a_suffix_does_not_count(suffix: str, tmp_path: Path) -> None:
    [own] = collect_file(write_table(tmp_path / f"mine{suffix}", [KETTLE])).values()
    assert own.labels == (KETTLE["label"],)


def in_language(language: str, count: int) -> list[dict[str, Any]]:
    return [{**copa_item(n), "language": language} for n in range(count)]


def test_the_formats_of_copa_give_the_same_items(tmp_path: Path) -> None:
    rows = [{**copa_item(n), "id": n} for n in range(1, 9)]
    names = list(rows[0])
    table = [names, *([str(row[name]) for name in names] for row in rows)]
    (tmp_path / "a.csv").write_text("\n".join(map(",".join, table)), "utf-8-sig")
    (tmp_path / "a.xml").write_text(balanced_xml(rows), "utf-8")
    write_rows(tmp_path / "a.jsonl", rows)
    sets = [next(iter(collect_file(path).values())) for path in sorted(tmp_path.iterdir())]
    assert sets[0] == sets[1] == sets[2]
    assert sets[0].ids == tuple(range(1, 9))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "has no items"),
        ([{**copa_item(1), "label": -1}], "mine.jsonl:1: label is not one of 0 to 1"),
        ([{"premise": "x"}], "mine.jsonl:1: question is missing"),
        ([*in_language("et", 1), copa_item(2)], "mine.jsonl:2: language must be in all rows"),
    ],
)
def test_a_row_that_cannot_be_measured_is_named(
    rows: list[dict[str, Any]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        collect_file(write_rows(tmp_path / "mine.jsonl", rows))


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_file_of_another_encoding_is_one_clear_line(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"mine.{suffix}").write_bytes(b"caf\xe9,b\n")
    with pytest.raises(DataError, match="is not UTF-8"):
        collect_file(tmp_path / f"mine.{suffix}")
    with pytest.raises(DataError, match=r"--items .* does not exist, or is no file"):
        collect_file(tmp_path / "missing")
