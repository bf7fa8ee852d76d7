"""CSV of any program: what it wrote is read, and a record that is wrong harms no other."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prediction.csv_rows import DELIMITERS, csv_rows
from models.prediction.lines import MOST_LINE_BYTES, text_lines
from models.prediction.rows import read_rows
from models.tasks.example import DataError
from tests.models.prediction.made import HEADER, read, summary, table

NAMES = ("premise", "choice1", "choice2", "question")
CELLS = st.text(
    st.one_of(st.sampled_from("\"\n\r,;\t| 'é。"), st.characters(exclude_categories=["Cs"])),
    max_size=6,
)
RECORDS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=6)


# Python's writer quotes a carriage return only where records end with one.
STYLES = st.sampled_from(
    [("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]
)


@given(RECORDS, st.sampled_from(DELIMITERS), STYLES)
def test_what_a_csv_writer_wrote_is_read_cell_by_cell(
    records: list[tuple[str, ...]], delimiter: str, form: tuple[str, Literal[0, 1]]
) -> None:
    ending, style = form
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=style).writerows(
        [NAMES, *records]
    )
    content = text.getvalue().encode()
    rows = list(csv_rows(text_lines(io.BytesIO(content)), "rows.csv", NAMES))
    assert [row.problem for row in rows] == [None] * len(records)
    assert [tuple(row.fields.values()) for row in rows] == records
    assert all(tuple(row.fields) == NAMES for row in rows)


def test_lines_before_the_header_and_between_records_may_be_blank() -> None:
    rows = read(b"\n \n" + table("0,A,B,cause", "", "1,A,B,cause"), "rows.csv")
    assert summary(rows) == [(4, "0"), (6, "1")]


@pytest.mark.parametrize("content", [b"", b"\n\n", HEADER.encode()])
def test_a_table_without_records_has_no_rows(content: bytes) -> None:
    assert list(csv_rows(text_lines(io.BytesIO(content)), "rows.csv", NAMES)) == []


def test_a_record_says_how_many_fields_it_has_and_should_have() -> None:
    few, many = read(table("a,b,c", "a,b,c,cause,e"), "rows.csv")
    assert few.errors[0].message == "has 3 fields, and the header has 4"
    assert many.errors[0].message == "has 5 fields, and the header has 4"


def test_the_error_of_a_header_says_what_a_file_begins_with() -> None:
    with pytest.raises(DataError) as refused:
        read(b"a,premise\n", "rows.csv")
    assert str(refused.value) == (
        "rows.csv: the header lacks choice1, choice2, question; a CSV file begins with a line of "
        "names, and any other file has a JSON object on each line"
    )


def test_csv_is_read_as_rfc_4180_says() -> None:
    content = table('"He said ""hi"",', 'and left.",A,"",cause', ' It rained ,"A,","B",effect')
    rows = read(content.replace(b"\n", b"\r\n"))
    assert summary(rows) == [(2, "choice2!"), (4, " It rained ")]
    assert rows[0].fields["premise"] == 'He said "hi",\r\nand left.'
    assert rows[1].fields["choice1"] == "A,"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_shows_the_delimiter_and_the_order(delimiter: str) -> None:
    names = ["label", "choice2", " question ", "choice1", "premise", "a,b;c"]
    header = delimiter.join(f'"{name}"' for name in names) + "\n"
    cells = ["1", "B", "cause", "A", '"x, y; z"', "4"]
    [row] = read(table(delimiter.join(cells), header=header))
    assert row.item is not None
    assert (row.item.premise, row.item.choices) == ("x, y; z", ("A", "B"))
    assert row.fields["label"] == "1"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("premise,choice1,question\n", "the header lacks choice2"),
        ("a,b\n", "the header lacks premise, choice1, choice2, question"),
        (HEADER.replace("\n", ",idx,idx\n"), "the header has idx twice"),
    ],
)
def test_a_header_that_will_not_do_is_one_clear_line(header: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"rows\.csv: {message}"):
        read(table("1,2,3", header=header), "rows.csv")


def test_a_header_that_is_not_utf_8_is_one_clear_line() -> None:
    with pytest.raises(DataError, match="line 1 is not UTF-8"):
        read(b"caf\xe9," + table("a,b,c,d,e"), "rows.csv")


@pytest.mark.parametrize(
    ("bad", "lines"),
    [
        ('"never closed,A,B,cause', 1),
        ('"closed" too early,A,B,cause', 1),
        ("too,few,cells", 1),
        ("too,many,A,B,cause", 1),
        ('"closed later,A,B,cause\n1,"A",B,effect', 1),
    ],
)
def test_a_bad_record_harms_no_neighbour(bad: str, lines: int) -> None:
    rows = read(table("0,A,B,cause", bad, *(f"{n},A,B,cause" for n in range(2, 60))))
    assert summary(rows)[:2] == [(2, "0"), (3, "row!")]
    good = [row.item.premise for row in rows if row.item]
    assert good[-58:] == [str(n) for n in range(2, 60)]
    assert sum(row.item is None for row in rows) == lines


def test_a_line_of_a_record_that_is_not_utf_8_is_named() -> None:
    raw = table('"two', 'li?nes",A,B,cause', "1,A,B,cause").replace(b"?", b"\xe9")
    first, *others = read(raw)
    assert first.line == 2
    assert first.errors[0].message.startswith("line 3 is not UTF-8 (byte 3 of the line, 0xe9)")
    assert summary(others)[-1] == (4, "1")


def test_a_quotation_mark_that_is_never_closed_keeps_memory_bounded() -> None:
    class Endless(io.RawIOBase):
        """Rows without an end, of which it counts what was read."""

        taken = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            line = b'"a,b,c,d\n' if self.taken == 0 else b"a,b,c,cause\n" * 10
            line = HEADER.encode() + line if self.taken == 0 else line
            buffer[: len(line)] = line
            self.taken += len(line)
            return len(line)

    source = Endless()
    rows: Iterator[object] = read_rows(io.BufferedReader(source), Path("rows.csv"))
    for _ in range(3):
        next(rows)
    assert source.taken < 2 * MOST_LINE_BYTES
