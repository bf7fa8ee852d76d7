"""The files of the page, read once and kept: together they are smaller than one large batch."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).resolve().parent / "static"
PAGE = "index.html"

_TEXT = "text/plain"
_MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    compressed: bytes
    """The same, with gzip."""
    media_type: str
    etag: str
    """A digest of the content; weak, since it is that of both forms."""


def read_files(folder: Path = STATIC) -> dict[str, StaticFile]:
    """Return every file below a folder, by its path from there with slashes."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _read(path) for path in paths}


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:32]
    media_type = _MEDIA_TYPES.get(path.suffix, _TEXT)
    return StaticFile(
        content, gzip.compress(content, mtime=0), f"{media_type}; charset=utf-8", f'W/"{digest}"'
    )
