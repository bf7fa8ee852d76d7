"""JSON lines: what any program wrote is read as it is, and a bad line is one bad row."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prediction.json_rows import json_rows
from models.prediction.lines import text_lines
from models.prediction.raw_row import RawRow

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=5,
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=5)


def rows_of(content: bytes) -> list[RawRow]:
    return list(json_rows(text_lines(io.BytesIO(content))))


@given(OBJECTS, st.sampled_from(["\n", "\r\n", "\n\n \n"]))
def test_objects_are_read_as_they_were_written(objects: list[dict[str, Any]], ending: str) -> None:
    """Escaped, they may have lone surrogates: Python reads them, and so do we."""
    rows = rows_of("".join(json.dumps(each) + ending for each in objects).encode())
    assert [row.fields for row in rows] == objects
    assert [type(v) for row in rows for v in row.fields.values()] == [
        type(v) for each in objects for v in each.values()
    ]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_line_is_one_row_or_blank(text: str) -> None:
    lines = text.removeprefix("\ufeff").split("\n")
    filled = [number for number, line in enumerate(lines, start=1) if line.strip()]
    assert [row.line for row in rows_of(text.encode())] == filled


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{'a': 1}", "is not JSON: Expecting property name enclosed in double quotes, column 2"),
        ('{"a": 1} {}', "is not JSON: Extra data, column 10"),
        ("-Infinity", "is not JSON: -Infinity is no value of JSON"),
        ('{"a": [-1e999]}', "is not JSON: -1e999 is no value of JSON"),
        ('"text"', "must be a JSON object"),
        ("null", "must be a JSON object"),
    ],
)
def test_a_line_that_is_no_object_says_why_and_where(line: str, problem: str) -> None:
    first, bad, last = rows_of(f'{{"a": 1}}\n{line}\n{{"a": 2}}'.encode())
    assert (first.fields, last.fields) == ({"a": 1}, {"a": 2})
    assert (bad.line, bad.fields, bad.problem) == (2, {}, problem)


def test_a_number_of_thousands_of_digits_is_a_bad_row() -> None:
    [row] = rows_of(b'{"idx": ' + b"9" * 5_000 + b"}")
    assert row.problem is not None
    assert row.problem.startswith("is not JSON: Exceeds the limit")
