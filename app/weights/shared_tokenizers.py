"""Tokenizers that several variants use, or those before and after them, and memory holds once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from app.errors import StartError
from app.weights.files import refuse_lfs_pointer
from app.weights.fitting import pieces_of


@dataclass(frozen=True)
class HeldTokenizer:
    """A tokenizer in memory. To read one, and to count its pieces, takes up to a second in which
    no other thread of Python runs: calls would wait for it.
    """

    tokenizer: Tokenizer
    digest: bytes
    """SHA-256 of its file."""
    pieces: int
    """See ``pieces_of``."""


class SharedTokenizers:
    """The tokenizers of variants, each held once.

    Args:
        held: by the variants that are served now.
    """

    def __init__(self, held: Iterable[HeldTokenizer] = ()) -> None:
        self._held = {each.digest: each for each in held}

    def load(self, path: Path) -> HeldTokenizer:
        """Load a ``tokenizer.json``, unless one with the same bytes is held.

        Raises:
            StartError: the file is not a tokenizer.
            OSError: it cannot be read.
        """
        refuse_lfs_pointer(path)
        content = path.read_bytes()
        digest = hashlib.sha256(content).digest()
        if digest not in self._held:
            try:
                tokenizer = Tokenizer.from_buffer(content)
            except Exception as error:  # tokenizers raises nothing narrower
                raise StartError(f"{path} is not a tokenizer: {error}") from error
            self._held[digest] = HeldTokenizer(tokenizer, digest, pieces_of(tokenizer))
        return self._held[digest]
