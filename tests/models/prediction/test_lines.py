"""Bytes to lines: none is lost, each is counted, and a broken one harms no other."""

from __future__ import annotations

import codecs
import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.prediction.lines import MOST_LINE_BYTES, TextLine, text_lines
from models.tasks.example import DataError

TEXTS = st.text(
    st.one_of(st.sampled_from("\n\r\u2028\x85\x0b é"), st.characters(exclude_categories=["Cs"]))
)


def lines_of(content: bytes) -> list[TextLine]:
    return list(text_lines(io.BytesIO(content)))


@given(TEXTS, st.booleans())
def test_lines_are_the_file_cut_after_each_line_feed_and_nowhere_else(
    text: str, marked: bool
) -> None:
    mark = codecs.BOM_UTF8 if marked else b""
    content = mark + text.encode()
    found = lines_of(content)
    # A mark is no content wherever a line begins with it: files are put together.
    assert [line.text for line in found] == [
        each.lstrip("\ufeff") for each in io.StringIO(content.decode(), newline="\n")
    ]
    assert all(line.problem is None for line in found)
    assert [line.number for line in found] == list(range(1, len(found) + 1))
    ends = [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]
    rest = [] if content.endswith(b"\n") or not content else [len(content)]
    assert [line.end for line in found] == ends + rest


@given(st.lists(st.binary(max_size=8).map(lambda raw: raw.replace(b"\n", b"") + b"\n")))
def test_a_line_that_is_not_utf_8_is_known_by_itself(raws: list[bytes]) -> None:
    content = b"".join(raws)
    assume(not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)))
    assume(0 not in content[:4])
    found = lines_of(content)
    assert len(found) == len(raws)
    for line, raw in zip(found, raws, strict=True):
        try:
            text = raw.decode().lstrip("\ufeff")
        except UnicodeDecodeError:
            assert line.problem is not None
            assert line.problem.startswith("is not UTF-8 (byte ")
        else:
            assert (line.text, line.problem) == (text, None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused_as_a_whole_because_its_lines_are_no_bytes(encoding: str) -> None:
    with pytest.raises(DataError, match=r"^mine\.csv:1 is .*UTF-(16|32); save the file as UTF-8$"):
        list(text_lines(io.BytesIO('{"premise": "x"}\n'.encode(encoding)), "mine.csv"))


def test_the_byte_that_is_wrong_is_named_with_the_fix() -> None:
    _, line = lines_of(b"one\ncaf\xe9 two\n")
    assert line.problem == "is not UTF-8 (byte 4 of the line, 0xe9); save the file as UTF-8"
    assert line.text == "caf\ufffd two\n"


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_a_line_may_have_a_mebibyte_and_no_more(ending: bytes) -> None:
    most = b"x" * (MOST_LINE_BYTES - len(ending)) + ending
    [fits] = lines_of(most)
    assert (fits.problem, len(fits.text)) == (None, MOST_LINE_BYTES)
    [exceeds] = lines_of(b"x" + most)
    assert exceeds == TextLine(1, "", len(most) + 1, "is longer than 1,048,576 bytes")


def test_what_is_too_long_is_skipped_and_counted() -> None:
    long = b"x" * (3 * MOST_LINE_BYTES) + b"\n"
    first, second = text_lines(io.BytesIO(long + b"y"))
    assert (first.text, first.end) == ("", len(long))
    assert (second.number, second.text, second.end) == (2, "y", len(long) + 1)
