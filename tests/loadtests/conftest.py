"""Tiny variants in the place of the shipped ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.weights.checkpoint import Checkpoint
from app.weights.export import export
from app.weights.loading import load_model
from tests.oracle import PaddedOracle


@pytest.fixture
def oracle(tiny_stilts: Path) -> PaddedOracle:
    """What the tiny ``stilts`` answers."""
    return PaddedOracle(load_model(Checkpoint(str(tiny_stilts), tiny_stilts)))


@pytest.fixture
def tiny_settings(
    tiny_direct: Path, tiny_stilts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings that name tiny variants and one thread."""
    monkeypatch.setenv("XCOPA_MODELS__DIRECT", str(tiny_direct))
    monkeypatch.setenv("XCOPA_MODELS__STILTS", str(tiny_stilts))
    monkeypatch.setenv("XCOPA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("XCOPA_THREADS", "1")


@pytest.fixture(scope="session")
def tiny_export(tiny_stilts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny ``stilts``, exported as the peers get it."""
    out = tmp_path_factory.mktemp("exported") / "stilts"
    export(Checkpoint(str(tiny_stilts), tiny_stilts), out)
    return out
