"""Any content of a file to measure or to answer: read, or told in one line, and no row lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.evaluation.ask.file_items import collect_file
from models.prediction.rows import read_rows
from models.tasks.example import DataError
from models.tasks.sets import xcopa
from tests.models.tasks.invented_causal import balanced_xml, copa_item, write_measured

ROWS = [{**copa_item(n), "id": n} for n in range(1, 5)]
NAMES = list(ROWS[0])
CONTENT = {
    "jsonl": "".join(f"{json.dumps(row)}\n" for row in ROWS),
    "csv": "\n".join(",".join(map(str, cells)) for cells in [NAMES, *map(dict.values, ROWS)]),
    "xml": balanced_xml(ROWS),
}

PIECES = st.binary(max_size=6) | st.sampled_from(
    [b'"', b"\n", b"\r", b"\xef\xbb\xbf", b"\xff\xfe", b"\\ud800", b"[" * 9_999, b"<a>" * 9_999]
)

fuzzed = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def changed(kind: str, place: int, piece: bytes, drop: int) -> bytes:
    content = CONTENT[kind].encode()
    place %= len(content) + 1
    return content[:place] + piece + content[place + drop :]


def collected_or_told(path: Path) -> int | str:
    try:
        return sum(len(own.items) for own in collect_file(path).values())
    except DataError as error:
        told = str(error)
    assert "\n" not in told
    assert str(path) in told
    assert len(told) < 1_000
    return told


@pytest.mark.parametrize("kind", CONTENT)
@fuzzed
@given(place=st.integers(0, 2_000), piece=PIECES, drop=st.integers(0, 9) | st.just(10_000))
def test_a_file_to_measure_is_read_or_told(
    kind: str, place: int, piece: bytes, drop: int, tmp_path: Path
) -> None:
    path = tmp_path / f"mine.{kind}"
    path.write_bytes(changed(kind, place, piece, drop))
    collected_or_told(path)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@fuzzed
@given(place=st.integers(0, 2_000), piece=PIECES, drop=st.integers(0, 9))
def test_a_file_to_answer_gives_a_row_for_every_line_or_is_told(
    kind: str, place: int, piece: bytes, drop: int, tmp_path: Path
) -> None:
    path = tmp_path / f"mine.{kind}"
    path.write_bytes(content := changed(kind, place, piece, drop))
    told = ""
    with path.open("rb") as source:
        try:
            rows = list(read_rows(source, path))
        except DataError as error:
            told, rows = str(error), []
    assert "\n" not in told
    assert told or rows
    if kind == "jsonl" and not told:
        filled = [
            line for line in content.split(b"\n") if line.replace(b"\xef\xbb\xbf", b"").split()
        ]
        assert len(rows) >= len(filled) - 1, "a line of Unicode's white space alone is no row"


@fuzzed
@given(place=st.integers(0, 2_000), piece=PIECES, drop=st.integers(0, 9) | st.just(10_000))
def test_a_language_of_xcopa_is_read_or_told(
    place: int, piece: bytes, drop: int, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    if not data.exists():
        write_measured(data, items=4)
    file = data / "xcopa/it/test.it.jsonl"
    file.write_bytes(changed("jsonl", place, piece, drop))
    told = ""
    try:
        found = xcopa.load(data, "it", "test", "upstream")
    except DataError as error:
        told, found = str(error), []
    assert "\n" not in told
    assert found or str(file) in told


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "xml"])
def test_a_byte_order_mark_of_a_file_to_measure_is_no_content(suffix: str, tmp_path: Path) -> None:
    plain, marked = tmp_path / f"a.{suffix}", tmp_path / "marked" / f"a.{suffix}"
    marked.parent.mkdir()
    plain.write_text(CONTENT[suffix], encoding="utf-8")
    marked.write_text(CONTENT[suffix], encoding="utf-8-sig")
    assert collect_file(marked) == collect_file(plain)


@pytest.mark.parametrize("kind", CONTENT)
def test_latin_1_is_told_with_its_line_and_the_way_out(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"mine.{kind}"
    path.write_bytes(CONTENT[kind].replace("found", "trouvé", 1).encode("latin-1"))
    told = str(collected_or_told(path))
    assert "UTF-8" in told
    named = {"jsonl": f"{path}:1: premise", "csv": f"{path}:2: premise", "xml": "line 4, column"}
    assert named[kind] in told


def test_a_csv_field_that_is_too_long_is_named_and_the_other_rows_are_answered(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(CONTENT["csv"].replace("found", "x" * 131_073, 1), encoding="utf-8")
    with path.open("rb") as source:
        first, *others = read_rows(source, path)
    assert "premise has more than 131,072 characters" in first.errors[0].message
    assert all(row.item is not None for row in others)
    assert f"{path}:2: premise has 131," in str(collected_or_told(path))
