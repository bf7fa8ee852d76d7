"""Bytes to text: marks are no content, and what is no text is told with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.tasks.reading.text import require, text_lines, undecodable, undecodable_field


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows"


def test_lines_are_numbered_whatever_ends_them(path: Path) -> None:
    path.write_bytes(b"a\nb\r\nc\rd")
    assert list(text_lines(path)) == [(1, "a\n"), (2, "b\r\n"), (3, "c\r"), (4, "d")]


def test_a_mark_is_no_content_at_the_start_of_any_line(path: Path) -> None:
    path.write_bytes("\ufeff\ufeffa\ufeff\n\ufeffb".encode())
    assert [line for _, line in text_lines(path)] == ["a\ufeff\n", "b"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_width_is_named(path: Path, encoding: str) -> None:
    path.write_bytes("words\n".encode(encoding))
    with pytest.raises(DataError, match=r"rows:1 is .*UTF-(16|32); save the file as UTF-8"):
        list(text_lines(path))


def test_a_byte_and_half_a_pair_are_told_apart(path: Path) -> None:
    path.write_bytes(b"caf\xe9")
    [(_, line)] = text_lines(path)
    assert undecodable(line) == "is not UTF-8 (byte 0xe9); save the file as UTF-8"
    told = "has half of a surrogate pair, \\ud83d; write the whole character"
    assert undecodable("\ud83d") == told
    assert undecodable("café \U0001f600") is None


def test_the_field_that_has_it_is_found() -> None:
    assert undecodable_field({"a": "é", "b": 3, "c": "\udce9"}) == "c"
    assert undecodable_field({"a": "é", "b": ["\udce9"]}) is None


def test_a_file_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path / "round")
    with pytest.raises(DataError, match="round"):
        require(tmp_path / "round" / "rows")
