"""The mean of several runs' weights, whole and with a smaller rank."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.training.average import average, reduce_rank
from models.training.network import Weights
from models.training.recipe import Full, LowRank
from tests import tiny
from tests.models.training import networks

SHAPE = LowRank(rank=2, alpha=6)
DOWN, UP, HEAD = "encoder.x.lora_A.default.weight", "encoder.x.lora_B.default.weight", "heads.h.b"


def adapter(seed: int) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    return {
        DOWN: torch.randn(2, 5, generator=generator),
        UP: torch.randn(4, 2, generator=generator),
        HEAD: torch.randn(3, generator=generator),
    }


def update(weights: Weights, shape: LowRank) -> torch.Tensor:
    """What an adapter adds to a layer's weights."""
    return shape.alpha / shape.rank * weights[UP] @ weights[DOWN]


def test_the_mean_of_adapters_is_the_mean_of_what_they_add() -> None:
    runs = [adapter(seed) for seed in range(3)]
    mean, shape = average(runs, SHAPE)
    assert isinstance(shape, LowRank)
    assert (shape.rank, shape.alpha) == (6, 18)
    expected = sum(update(run, SHAPE) for run in runs) / 3
    torch.testing.assert_close(update(mean, shape), expected)
    torch.testing.assert_close(mean[HEAD], sum(run[HEAD] for run in runs) / 3)


def test_of_full_weights_each_is_averaged() -> None:
    mean, shape = average([{"a": torch.tensor([1.0])}, {"a": torch.tensor([4.0])}], Full())
    assert mean == {"a": torch.tensor([2.5])}
    assert shape == Full()


def test_a_rank_that_suffices_loses_nothing() -> None:
    runs = [adapter(seed) for seed in range(3)]
    mean, shape = average(runs, SHAPE)
    assert isinstance(shape, LowRank)
    small, smaller = reduce_rank(mean, shape, 4)
    assert (smaller.rank, smaller.alpha) == (4, 12)
    assert small[DOWN].shape == (4, 5)
    assert small[UP].shape == (4, 4)
    torch.testing.assert_close(update(small, smaller), update(mean, shape))
    assert small[HEAD] is mean[HEAD]


def test_a_smaller_rank_is_the_nearest_that_there_is() -> None:
    mean, shape = average([adapter(seed) for seed in range(3)], SHAPE)
    assert isinstance(shape, LowRank)
    whole = update(mean, shape)
    small, smaller = reduce_rank(mean, shape, 2)
    left = torch.linalg.svdvals(whole)[2:]
    lost = torch.linalg.norm(whole - update(small, smaller))
    assert lost.item() == pytest.approx(torch.linalg.norm(left).item(), rel=1e-4)


def test_the_names_are_those_that_an_adapter_has(tmp_path: Path) -> None:
    """Another spelling of its factors would be averaged one by one, and mean nothing."""
    made = networks.network(tiny.headless(tmp_path / "base"))
    weights = {name: weight.detach() for name, weight in made.trained().items()}
    mean, shape = average([weights, weights], networks.LORA)
    assert isinstance(shape, LowRank)
    other = networks.network(tmp_path / "base", shape)
    assert {name: each.shape for name, each in mean.items()} == {
        name: each.shape for name, each in other.trained().items()
    }
