"""A base that every test of training may read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretrained encoder without a head."""
    return tiny.headless(tmp_path_factory.mktemp("base"))
