"""The engine on a CUDA device: its answers are those of the CPU, whatever the rows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from app.engine.encoder import PackedEncoder
from app.engine.pool_engines import pool_of
from app.engine.target import Precision, Target
from app.model_settings.sources import ModelSources
from app.settings import Settings
from app.weights.variant import load_models
from loadtests.peers.padded import SIZES, random_model
from tests import tiny

pytestmark = pytest.mark.gpu

CUDA = torch.device("cuda")
LENGTHS = [1, 2, 3, 5, 9, 9, 14, 22, 40, 97, 200]


def rows(pieces: int, seed: int = 1) -> list[list[int]]:
    chance = random.Random(seed)  # noqa: S311
    return [[chance.randrange(2, pieces) for _ in range(length)] for length in LENGTHS]


@pytest.mark.parametrize("shape", SIZES)
def test_the_shapes_of_xlm_r_answer_as_on_the_cpu(shape: str) -> None:
    model = random_model(SIZES[shape], vocabulary=500).requires_grad_(False)
    asked = rows(500)
    expected = PackedEncoder(model).logits(asked)
    model.to(CUDA)
    assert PackedEncoder(model, Target(CUDA)).logits(asked) == pytest.approx(expected, abs=1e-4)
    bf16 = PackedEncoder(model, Target(CUDA, Precision.BF16)).logits(asked)
    assert bf16 == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("seed", range(20))
def test_any_batch_gives_what_its_rows_give_alone(seed: int) -> None:
    model = tiny.drawn_multiple_choice(seed).eval().requires_grad_(False).to(CUDA)
    engine = PackedEncoder(model, Target(CUDA))
    chance = random.Random(seed)  # noqa: S311
    asked = [row for row in rows(tiny.PIECES, seed) if chance.random() < 0.7] or rows(tiny.PIECES)
    chance.shuffle(asked)
    alone = [engine.logits([row])[0] for row in asked]
    assert engine.logits(asked) == pytest.approx(alone, abs=1e-4)


def test_a_warm_engine_answers_the_same() -> None:
    model = tiny.drawn_multiple_choice(3).eval().requires_grad_(False).to(CUDA)
    engine = PackedEncoder(model, Target(CUDA))
    before = engine.logits(rows(tiny.PIECES))
    engine.warm_up()
    assert engine.logits(rows(tiny.PIECES)) == before


@pytest.mark.parametrize("engines", [0, "auto"], ids=["in the service", "in a process"])
def test_variants_are_served_from_the_device(
    engines: object, tiny_direct: Path, tiny_stilts: Path, tmp_path: Path
) -> None:
    sources = ModelSources(direct=str(tiny_direct), stilts=str(tiny_stilts))

    def answers(device: str) -> dict[str, list[float]]:
        changes: dict[str, Any] = {"device": device, "precision": "fp32", "engines": engines}
        settings = Settings(models=sources, cache_dir=tmp_path, **changes)
        variants = load_models(settings)
        made = {name: variant.engine for name, variant in variants.items()}
        asked = rows(tiny.PIECES)
        try:
            return {name: list(engine.logits(asked)) for name, engine in made.items()}
        finally:
            if (pool := pool_of(made.values())) is not None:
                pool.stop()

    expected, found = answers("cpu"), answers("cuda")
    for name, logits in found.items():
        assert logits == pytest.approx(expected[name], abs=1e-4)
