"""A row knows where in the file it is, whatever the format."""

from __future__ import annotations

import io

import pytest

from models.prediction.csv_rows import csv_rows
from models.prediction.json_rows import json_rows
from models.prediction.lines import text_lines
from models.prediction.raw_row import RawRow

JSON = '{"a": "é"}\n\noops\n{"a": "2"}'.encode()
CSV = 'a,b\r\n"é\r\n",1\r\n\r\ntoo,many,cells\r\n2,"",\r\n3,4'.encode()


def rows_of(content: bytes) -> list[RawRow]:
    lines = text_lines(io.BytesIO(content))
    return list(
        csv_rows(lines, "rows.csv", ("a",)) if content.startswith(b"a,b") else json_rows(lines)
    )


@pytest.mark.parametrize("content", [JSON, CSV])
def test_a_file_that_is_cut_where_a_row_ends_has_the_rows_up_to_it(content: bytes) -> None:
    rows = rows_of(content)
    assert len(rows) > 2
    assert rows[-1].end == len(content)
    for count, row in enumerate(rows, start=1):
        assert rows_of(content[: row.end]) == rows[:count]


@pytest.mark.parametrize(("content", "lines"), [(JSON, [1, 3, 4]), (CSV, [2, 5, 6, 7])])
def test_a_row_has_the_number_of_its_first_line(content: bytes, lines: list[int]) -> None:
    assert [row.line for row in rows_of(content)] == lines


@pytest.mark.parametrize("content", [JSON, CSV])
def test_a_row_has_fields_or_a_problem_and_never_both(content: bytes) -> None:
    rows = rows_of(content)
    assert any(row.problem for row in rows)
    assert all(bool(row.fields) is (row.problem is None) for row in rows)
