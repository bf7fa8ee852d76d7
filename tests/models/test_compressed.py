"""Text is compressed where the name of its file says so, and is UTF-8 anywhere."""

from __future__ import annotations

import lzma
from pathlib import Path

from models.compressed import open_text

TEXT = "nedenini söyle: 원인\n"


def test_a_name_that_says_so_has_its_text_compressed(tmp_path: Path) -> None:
    packed, plain = tmp_path / "text.jsonl.xz", tmp_path / "text.jsonl"
    for path in (packed, plain):
        with open_text(path, "wt") as file:
            file.write(TEXT)
    assert lzma.decompress(packed.read_bytes()).decode() == TEXT == plain.read_text("utf-8")
    for path in (packed, plain):
        with open_text(path, "rt") as file:
            assert file.read() == TEXT
