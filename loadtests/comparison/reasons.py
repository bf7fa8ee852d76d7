"""Why a peer is better at something: what was found out, for the page.

``reasons.json`` has an object for each peer, by its slug, and in it a sentence for each figure
that it is better in, by the figure's name (``wins.FIGURES``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DATA = Path(__file__).with_name("reasons.json")
UNKNOWN = "Why is not written down yet."


class ReasonsError(Exception):
    """The file names something that there is not; says what."""


@dataclass(frozen=True)
class WinReasons:
    """Sentences, by the slug of a peer and the name of a figure."""

    sentences: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls, peers: Collection[str], figures: Collection[str], path: Path = DATA) -> Self:
        """Read the file.

        Args:
            peers: slugs that there are.
            figures: names that there are.
            path: of the file.

        Raises:
            ReasonsError: it names another peer or figure, or has no sentence.
        """
        content: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
        for slug, own in content.items():
            if slug not in peers:
                raise ReasonsError(f"{path.name}: there is no peer {slug!r}")
            for figure, sentence in own.items():
                if figure not in figures:
                    raise ReasonsError(f"{path.name}: {slug}: there is no figure {figure!r}")
                if not sentence.strip():
                    raise ReasonsError(f"{path.name}: {slug}: {figure!r} has no reason")
        return cls(content)

    def of(self, slug: str, figure: str) -> str:
        """Return why a peer is better in a figure."""
        return self.sentences.get(slug, {}).get(figure, UNKNOWN)
