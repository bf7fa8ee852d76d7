"""All of XCOPA, in English too, with the models that the repository ships."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from app.engine.encoder import PackedEncoder
from app.engine.model import load_model, load_variant, locate
from app.engine.tokenizer import Rows
from loadtests.padded import PaddedEncoder
from models.tasks import copa, xcopa

MODELS = Path(__file__).resolve().parents[3] / "models"
ITEMS = 6000


class Encoder(Protocol):
    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]: ...


def read_items(name: str, base: Path, data: Path) -> list[Rows]:
    examples = copa.load(data, "test")
    for language in xcopa.LANGUAGES:
        examples += xcopa.load(data, language, "test", "upstream")
    tokenizer = load_variant(name, str(MODELS / name), lambda: base).tokenizer
    items = tokenizer.encode([example.item for example in examples])
    return [rows for rows in items if isinstance(rows, tuple)]


def score(encoder: Encoder, items: Sequence[Rows]) -> NDArray[np.float64]:
    """Return ``[items, 2]`` logits; like lengths together, so that little is padding."""
    logits = np.empty((len(items), 2))
    order = sorted(range(len(items)), key=lambda index: max(map(len, items[index])))
    for start in range(0, len(order), 32):
        batch = order[start : start + 32]
        flat = encoder.logits([row for index in batch for row in items[index]])
        logits[batch] = np.array(flat).reshape(-1, 2)
    return logits


@pytest.mark.slow
@pytest.mark.parametrize("name", ["direct", "stilts"])
def test_every_label_is_that_of_transformers(name: str, embedded_base: Path, data: Path) -> None:
    model = load_model(locate(str(MODELS / name), lambda: embedded_base, name), name, name)
    items = read_items(name, embedded_base, data)
    assert len(items) == ITEMS
    expected = score(PaddedEncoder(model), items)
    found = score(PackedEncoder(model), items)
    print(f"{name}: largest difference {np.abs(found - expected).max():.1e}")  # noqa: T201
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(found.argmax(1), expected.argmax(1))
