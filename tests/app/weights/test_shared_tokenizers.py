"""A tokenizer is in memory once, also for models beside those that are served."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import StartError
from app.weights.fitting import pieces_of
from app.weights.shared_tokenizers import SharedTokenizers
from tests import tiny


def test_equal_files_are_held_once_also_those_of_models_that_are_served(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        tiny.tokenizer().save(str(path))
    first, second = map(SharedTokenizers().load, paths)
    assert first is second
    assert first.pieces == pieces_of(tiny.tokenizer())
    assert SharedTokenizers([first]).load(paths[0]) is first
    paths[1].write_text(paths[1].read_text() + "\n")
    assert SharedTokenizers([first]).load(paths[1]) is not first


def test_what_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(StartError, match=r"t\.json is not a tokenizer"):
        SharedTokenizers().load(tmp_path / "t.json")
