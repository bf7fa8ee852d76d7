"""Masked text: what is hidden, what is asked, and files that cannot be read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from models.tasks.example import DataError
from models.training.example_tokenizer import IGNORED
from models.training.masked import Masker, read_passages, rows_of
from tests import tiny


def test_a_seventh_of_the_tokens_is_asked_and_most_of_it_hidden() -> None:
    tokenizer = tiny.tokenizer()
    masker = Masker(tokenizer)
    mask = tokenizer.token_to_id("<mask>")
    row = (0, *range(10, 210), 2)
    seen: Counter[str] = Counter()
    for number in range(200):
        hidden = masker.hide(row, f"seed/{number}")
        for shown, asked, was in zip(hidden.rows[0], hidden.target, row, strict=True):
            if asked == IGNORED:
                assert shown == was
                continue
            assert asked == was
            seen["hidden" if shown == mask else "kept" if shown == was else "replaced"] += 1
        assert hidden.target[0] == hidden.target[-1] == IGNORED
    asked = sum(seen.values())
    assert asked == 200 * 30
    assert seen["hidden"] / asked == pytest.approx(0.8, abs=0.03)
    assert seen["replaced"] / asked == pytest.approx(0.1, abs=0.03)


def test_the_same_seed_hides_the_same_and_another_hides_other_tokens() -> None:
    masker = Masker(tiny.tokenizer())
    row = (0, *range(10, 60), 2)
    assert masker.hide(row, "1") == masker.hide(row, "1")
    assert masker.hide(row, "1") != masker.hide(row, "2")


def test_a_short_row_is_asked_for_one_token() -> None:
    hidden = Masker(tiny.tokenizer()).hide((0, 50, 2), "1")
    assert [asked for asked in hidden.target if asked != IGNORED] == [50]


def test_a_tokenizer_without_a_mask_is_refused() -> None:
    from tokenizers import Tokenizer, models  # noqa: PLC0415

    with pytest.raises(DataError, match="<mask>"):
        Masker(Tokenizer(models.WordLevel({"<s>": 0, "<pad>": 1}, "<s>")))


def test_passages_are_cut_into_rows_that_hold_every_piece() -> None:
    tokenizer = tiny.tokenizer()
    text = " ".join(f"rain{number}" for number in range(30))
    rows = [each.rows[0] for each in rows_of([text, "wet"], tokenizer, max_tokens=20)]
    assert all(row[0] == 0 and row[-1] == 2 and len(row) <= 20 for row in rows)
    whole = tokenizer.encode(text, add_special_tokens=False).ids
    assert [piece for row in rows[:-1] for piece in row[1:-1]] == whole


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "wide.txt").write_text("rain", encoding="utf-16")
    with pytest.raises(DataError, match=r"there is no file .*none\.txt"):
        read_passages([tmp_path / "none.txt"])
    with pytest.raises(DataError, match=r"latin\.txt:1 is not UTF-8"):
        read_passages([tmp_path / "latin.txt"])
    with pytest.raises(DataError, match=r"wide\.txt:1 is UTF-16"):
        read_passages([tmp_path / "wide.txt"])
    with pytest.raises(DataError, match="no text"):
        read_passages([tmp_path / "empty.txt"])


def test_a_byte_order_mark_joins_no_word(tmp_path: Path) -> None:
    (tmp_path / "marked.txt").write_bytes(b"\xef\xbb\xbfrain fell\r\n\r\nit is wet")
    assert read_passages([tmp_path / "marked.txt"]) == ["rain fell", "it is wet"]
