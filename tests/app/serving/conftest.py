"""The tiny model that several files of service tests use."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.weights.variant import load_variants
from tests.app.serving.services import Model


@pytest.fixture(scope="module")
def model(tiny_direct: Path) -> Model:
    variant = load_variants({"direct": str(tiny_direct)}, Path())["direct"]
    return Model(variant.revision, variant.tokenizer, variant.engine)
