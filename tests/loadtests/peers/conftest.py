"""A tiny model as the peers get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.weights.checkpoint import Checkpoint
from app.weights.export import export


@pytest.fixture(scope="session")
def tiny_export(tiny_stilts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny ``stilts``, exported."""
    out = tmp_path_factory.mktemp("exported") / "stilts"
    export(Checkpoint(str(tiny_stilts), tiny_stilts), out)
    return out
