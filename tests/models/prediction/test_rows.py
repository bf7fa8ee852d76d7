"""JSON lines and CSV become questions, and a row that is wrong harms no other."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.prediction.lines import MOST_LINE_BYTES, text_lines
from models.prediction.rows import opened, read_rows
from models.tasks.example import DataError
from tests.models.prediction.made import QUESTION, json_file, question, read, summary

HEADER = "premise,choice1,choice2,question\n"


def table(*lines: str, header: str = HEADER) -> bytes:
    return (header + "".join(f"{line}\n" for line in lines)).encode()


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


def test_the_name_says_the_format_and_where_it_does_not_the_first_character_does() -> None:
    assert summary(read(b"oops\n", "rows.jsonl")) == [(1, "row!")]
    assert summary(read(table("0,A,B,cause"), "rows.txt")) == [(2, "0")]
    assert summary(read(json_file(QUESTION), "rows.txt")) == [(1, "It rained.")]
    assert read(b"", "rows.csv") == read(b"\n\n") == []


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: Is a directory"), opened(tmp_path):
        pass


def test_what_is_too_long_is_skipped_and_counted() -> None:
    long = b"x" * (3 * MOST_LINE_BYTES) + b"\n"
    first, second = text_lines(io.BytesIO(long + b"y"))
    assert (first.text, first.end) == ("", len(long))
    assert (second.number, second.text, second.end) == (2, "y", len(long) + 1)
