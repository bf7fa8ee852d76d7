"""The key that our own programs send."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import StartError
from app.keys.own_key import KEY_VARIABLE, own_key


@pytest.mark.parametrize("written", ["k-1", "k-1\n", " k-1\r\n", '"k-1"', "'k-1'\n", "\tk-1 "])
def test_white_space_and_quotes_around_a_key_are_no_part_of_it(
    written: str, tmp_path: Path
) -> None:
    """A secret that ends with a line end was sent with it, and refused, by others' clients."""
    (tmp_path / "key").write_text(written, "utf-8", newline="")
    assert own_key(None, {KEY_VARIABLE: written}) == "k-1"
    assert own_key(tmp_path / "key", {}) == "k-1"


def test_a_file_goes_before_the_variable(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("of-file", "utf-8")
    assert own_key(tmp_path / "key", {KEY_VARIABLE: "of-variable"}) == "of-file"


@pytest.mark.parametrize("environ", [{}, {KEY_VARIABLE: ""}, {KEY_VARIABLE: " \n"}])
def test_without_a_key_none_is_sent(environ: dict[str, str]) -> None:
    assert own_key(None, environ) is None


@pytest.mark.parametrize("wrong", ["two words", "k\nk", "schlüssel-1", "k" * 5_000, "smart-”"])
def test_what_cannot_be_a_key_is_told_without_repeating_it(wrong: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(wrong, "utf-8")
    with pytest.raises(StartError, match=f"^{KEY_VARIABLE} holds no API key") as raised:
        own_key(None, {KEY_VARIABLE: wrong})
    assert wrong not in str(raised.value)
    with pytest.raises(StartError, match=r"/key holds no API key"):
        own_key(tmp_path / "key", {})


def test_a_file_that_was_named_must_hold_a_key(tmp_path: Path) -> None:
    """To fall back to no key, or to the variable's, would send the call as somebody else."""
    with pytest.raises(StartError, match="cannot be read"):
        own_key(tmp_path / "none", {KEY_VARIABLE: "k"})
    (tmp_path / "key").write_text("\n", "utf-8")
    with pytest.raises(StartError, match="is empty"):
        own_key(tmp_path / "key", {KEY_VARIABLE: "k"})
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(StartError, match="not text"):
        own_key(tmp_path / "key", {})
