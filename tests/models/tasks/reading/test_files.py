"""The file formats, and what is told of a file that is not in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.tasks.reading.files import (
    comma_separated,
    json_document,
    json_lines,
    lines,
    tab_separated,
)
from models.tasks.reading.row import DataRow

Reader = Callable[[Path], Iterable[DataRow]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows"


def _fields(rows: Iterable[DataRow]) -> list[dict[str, object]]:
    return [dict(row.fields) for row in rows]


def test_json_lines_need_no_last_line_break_and_skip_empty_lines(path: Path) -> None:
    path.write_text('{"a": "é"}\n\n{"a": "\\r"}', encoding="utf-8")
    rows = list(json_lines(path))
    assert _fields(rows) == [{"a": "é"}, {"a": "\r"}]
    assert [row.where for row in rows] == [f"{path}:1", f"{path}:3"]


def test_quoted_cells_keep_commas_quotes_and_line_breaks(path: Path) -> None:
    path.write_text(
        'a,b\r\n"x, y","say ""no"""\r\n\r\n"two\nlines",z', encoding="utf-8", newline=""
    )
    rows = list(comma_separated(path))
    assert _fields(rows) == [{"a": "x, y", "b": 'say "no"'}, {"a": "two\nlines", "b": "z"}]
    assert rows[1].where == f"{path}:5"


def test_tabs_alone_part_cells_and_a_short_row_lacks_the_last(path: Path) -> None:
    path.write_text('a\tb\n"x\ty"\nz\n', encoding="utf-8")
    assert _fields(tab_separated(path)) == [{"a": '"x', "b": 'y"'}, {"a": "z", "b": None}]


@pytest.mark.parametrize("read", [json_lines, comma_separated, tab_separated, lines])
def test_a_missing_file_is_named_with_the_way_out(path: Path, read: Reader) -> None:
    with pytest.raises(DataError, match=r"rows does not exist.*--data"):
        list(read(path))


def test_a_missing_document_is_named_with_the_way_out(path: Path) -> None:
    with pytest.raises(DataError, match=r"rows does not exist.*--data"):
        json_document(path)


@pytest.mark.parametrize(
    ("read", "content", "told"),
    [
        (json_lines, '{"a": 1}\n{"a": ', r"rows:2 is not JSON"),
        (json_lines, "[1]", r"rows:1 is not a JSON object"),
        (comma_separated, "a,b\n1,2\n1,2,3", r"rows:3 has 3 fields, and the header has 2"),
        (comma_separated, "a,b\n1", r"rows:2 has 1 fields, and the header has 2"),
        (tab_separated, "a\tb\n1\t2\t3", r"rows:2 has 3 fields, and the header has 2"),
    ],
)
def test_a_malformed_line_is_numbered(path: Path, read: Reader, content: str, told: str) -> None:
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=told):
        list(read(path))


def test_a_document_that_is_no_object_is_refused(path: Path) -> None:
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="rows is not a JSON object"):
        json_document(path)
