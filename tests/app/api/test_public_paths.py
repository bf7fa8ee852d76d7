"""What a browser opens without a key."""

from __future__ import annotations

import pytest

from app.api.public_paths import is_public


@pytest.mark.parametrize("path", ["/", "/console/main.js", "/docs", "/static-offline-docs/a.js"])
def test_pages_and_their_files_are_public(path: str) -> None:
    assert is_public(path)


@pytest.mark.parametrize("path", ["", "//", "/models", "/console", "/docs/", "/x/console/main.js"])
def test_nothing_else_is(path: str) -> None:
    assert not is_public(path)
