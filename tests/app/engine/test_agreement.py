"""A fifth of XCOPA, in English too, with the models that the repository ships."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray
from transformers import XLMRobertaForMultipleChoice

from app.engine.encoder import PackedEncoder
from app.engine.target import Target, choose_target, lacks_bf16
from app.engine.tokenizer import Rows
from app.weights.checkpoint import locate
from app.weights.loading import load_model
from app.weights.variant import load_variants
from models.tasks.sets import copa, xcopa
from tests.oracle import PaddedOracle

MODELS = Path(__file__).resolve().parents[3] / "models"
ITEMS, EVERY = 6000, 5
"""Every language has its part: languages follow each other, with 500 items each."""
ROUNDING = 1e-3
"""No logit is further from transformers' than this."""


class Encoder(Protocol):
    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]: ...


def cache_of(base: Path) -> Path:
    """The cache folder that an assembled base lies in."""
    return base.parent.parent


def read_items(name: str, base: Path, data: Path) -> list[Rows]:
    examples = copa.load(data, "test")
    for language in xcopa.LANGUAGES:
        examples += xcopa.load(data, language, "test", "upstream")
    tokenizer = load_variants({name: str(MODELS / name)}, cache_of(base))[name].tokenizer
    items = tokenizer.encode([example.item for example in examples])
    fit = [rows for rows in items if isinstance(rows, tuple)]
    assert len(fit) == ITEMS
    return fit[::EVERY]


def score(encoder: Encoder, items: Sequence[Rows]) -> NDArray[np.float64]:
    """Return ``[items, 2]`` logits; like lengths together, so that little is padding."""
    logits = np.empty((len(items), 2))
    order = sorted(range(len(items)), key=lambda index: max(map(len, items[index])))
    for start in range(0, len(order), 32):
        batch = order[start : start + 32]
        flat = encoder.logits([row for index in batch for row in items[index]])
        logits[batch] = np.array(flat).reshape(-1, 2)
    return logits


def load(name: str, base: Path) -> XLMRobertaForMultipleChoice:
    return load_model(locate(str(MODELS / name), cache_of(base)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["direct", "stilts"])
def test_every_label_is_that_of_transformers(name: str, embedded_base: Path, data: Path) -> None:
    model = load(name, embedded_base)
    items = read_items(name, embedded_base, data)
    expected = score(PaddedOracle(model), items)
    found = score(PackedEncoder(model), items)
    apart = np.abs(found - expected)
    # Which way fp32 rounds differs by processor, and a rare row makes much of it: on an EPYC of
    # Zen 5 one logit of 12,000 is 2.5e-4 apart.
    assert (apart <= 1e-4 + 1e-5 * np.abs(expected)).mean() >= 0.999
    assert apart.max() < ROUNDING
    # Two choices that are closer together than rounding may change places.
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.999


@pytest.mark.slow
@pytest.mark.skipif(
    bool(lacks_bf16(choose_target("auto", "fp32").target.device)),
    reason="no bf16 in this hardware",
)
@pytest.mark.parametrize(("name", "least"), [("direct", 0.99), ("stilts", 0.98)])
def test_bf16_labels_agree_with_fp32(
    name: str, least: float, embedded_base: Path, data: Path
) -> None:
    items = read_items(name, embedded_base, data)
    target = choose_target("auto", "bf16").target
    model = load(name, embedded_base).to(target.device)
    exact = score(PackedEncoder(model, Target(target.device)), items)
    found = score(PackedEncoder(model, target), items)
    agreement = (found.argmax(1) == exact.argmax(1)).mean()
    rms = np.sqrt(((found - exact) ** 2).mean())
    print(f"{name}: {agreement:.2%} of labels agree; logits {rms:.3f} apart (rms)")  # noqa: T201
    assert agreement > least
