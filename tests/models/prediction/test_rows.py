"""JSON lines and CSV become questions, and a row that is wrong harms no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.prediction.lines import MOST_LINE_BYTES
from models.prediction.rows import opened
from models.tasks.example import DataError
from tests.models.prediction.made import QUESTION, json_file, question, read, summary, table


def test_a_row_of_xcopa_is_read_as_it_is() -> None:
    fields = question(1, label=1, idx=7, changed=False)
    [row] = read(json_file(fields))
    assert row.fields == fields
    assert row.item is not None
    assert (row.item.choices, row.item.question) == (("A", "B"), "effect")


@pytest.mark.parametrize(
    ("line", "field", "message"),
    [
        (b"oops", "row", "is not JSON: Expecting value, column 1"),
        (b"[1]", "row", "must be a JSON object"),
        (b'{"premise": NaN}', "row", "NaN is no value of JSON"),
        (b'{"idx": 1e999}', "row", "1e999 is no value of JSON"),
        (b"[" * 200_000, "row", "is not JSON"),
        (b'{"premise": "caf\xe9"}', "row", "is not UTF-8 (byte 17 of the line, 0xe9)"),
        (b" " * (MOST_LINE_BYTES + 1), "row", "is longer than 1,048,576 bytes"),
        (b"{}", "premise", "is required"),
        (json_file({**QUESTION, "question": "why"})[:-1], "question", "'cause' or 'effect'"),
        (json_file({**QUESTION, "choice2": " "})[:-1], "choice2", "must not be blank"),
        (json_file({**QUESTION, "choice1": 3})[:-1], "choice1", "must be a string"),
    ],
)
def test_a_bad_line_names_its_field_and_harms_no_neighbour(
    line: bytes, field: str, message: str
) -> None:
    before, bad, after = read(json_file(question(1), line, question(2)), "rows.jsonl")
    assert (before.item, after.item) != (None, None)
    assert (bad.line, after.line) == (2, 3)
    assert bad.item is None
    assert bad.errors[0].field == field
    assert message in bad.errors[0].message


def test_blank_lines_are_no_rows_but_count_as_lines() -> None:
    content = b"\r\n" + json_file(question(1)) + b"  \n\n" + json_file(question(2))[:-1]
    rows = read(content)
    assert [row.line for row in rows] == [2, 5]
    assert rows[-1].end == len(content)


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    for content in (json_file(question(1)), table("It rained.,A,B,effect")):
        assert all(row.item for row in read(b"\xef\xbb\xbf" + content))


def test_the_name_says_the_format_and_where_it_does_not_the_first_character_does() -> None:
    assert summary(read(b"oops\n", "rows.jsonl")) == [(1, "row!")]
    assert summary(read(table("0,A,B,cause"), "rows.txt")) == [(2, "0")]
    assert summary(read(json_file(QUESTION), "rows.txt")) == [(1, "It rained.")]
    assert read(b"", "rows.csv") == read(b"\n\n") == []


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"), opened(tmp_path):
        pass
