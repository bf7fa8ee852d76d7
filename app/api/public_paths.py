"""What a browser opens without a key: the description of the API, and the page."""

from __future__ import annotations

DOCS = frozenset({"/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"})
DOCS_FILES = "/static-offline-docs/"

CONSOLE = "/"
CONSOLE_FILES = "/console/"


def is_public(path: str) -> bool:
    """Return whether a path, without the service's prefix, is that of a page or of its files."""
    return path in DOCS or path == CONSOLE or path.startswith((DOCS_FILES, CONSOLE_FILES))
