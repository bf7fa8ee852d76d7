"""The mean of several runs' weights: one model, as fast as one of them.

Averaging over runs: Schmidt et al. 2023 (arXiv 2305.16834) for cross-lingual transfer, after
Wortsman et al. 2022 (arXiv 2203.05482). Runs must begin with the same head, or the mean of their
heads means nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from models.training.network import Weights
from models.training.recipe import Full, LowRank

_DOWN, _UP = ".lora_A.", ".lora_B."


def average(runs: Sequence[Weights], tuning: LowRank | Full) -> tuple[Weights, LowRank | Full]:
    """Average weights, each part with the same share.

    Of an adapter the products of its factors are averaged, exactly: the factors of all runs stand
    side by side, so ranks add up.

    Args:
        runs: the weights of each, by the same names.
        tuning: what was trained.

    Returns:
        The mean, and the shape that it has.
    """
    if isinstance(tuning, Full):
        return {name: _mean([run[name] for run in runs]) for name in runs[0]}, tuning
    mean: Weights = {}
    for name in runs[0]:
        parts = [run[name] for run in runs]
        if _DOWN in name:
            mean[name] = torch.cat(parts, dim=0)
        elif _UP in name:
            mean[name] = torch.cat(parts, dim=1) / len(parts)
        else:
            mean[name] = _mean(parts)
    count = len(runs)
    return mean, tuning.model_copy(
        update={"rank": tuning.rank * count, "alpha": tuning.alpha * count}
    )


def reduce_rank(weights: Weights, tuning: LowRank, rank: int) -> tuple[Weights, LowRank]:
    """Return the adapter of a smaller rank that is nearest to one, by least squares.

    The truncated singular value decomposition of each product of factors (Eckart and Young 1936,
    Psychometrika 1:211-218).

    Args:
        weights: an adapter's, and those of a head, which stay.
        tuning: its shape.
        rank: no larger than that of the shape.
    """
    reduced = dict(weights)
    for down, up in _pairs(weights):
        reduced[down], reduced[up] = _nearest(weights[down], weights[up], rank)
    alpha = tuning.alpha * rank / tuning.rank
    return reduced, tuning.model_copy(update={"rank": rank, "alpha": alpha})


def _mean(parts: Sequence[Tensor]) -> Tensor:
    return torch.stack([part.double() for part in parts]).mean(dim=0).float()


def _pairs(weights: Weights) -> Iterator[tuple[str, str]]:
    for name in weights:
        if _DOWN in name:
            yield name, name.replace(_DOWN, _UP)


def _nearest(down: Tensor, up: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Decompose ``up @ down`` by way of its factors, which are small beside it."""
    left, left_rest = torch.linalg.qr(up.double())
    right, right_rest = torch.linalg.qr(down.double().T)
    u, values, v = torch.linalg.svd(left_rest @ right_rest.T)
    root = values[:rank].sqrt()
    new_up = (left @ u[:, :rank]) * root
    new_down = (right @ v[:rank].T) * root
    return new_down.T.float().contiguous(), new_up.float().contiguous()
