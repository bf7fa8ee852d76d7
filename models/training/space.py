"""How much a run will write, known before the first step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from transformers import XLMRobertaConfig, XLMRobertaModel

from models.training.checkpoints import RESUMABLE
from models.training.heads import make_head
from models.training.network import choose_trained
from models.training.recipe import LowRank, Recipe

_FP32, _FP16 = 4, 2
_MOMENTS = 2
"""AdamW keeps two numbers a weight."""


def trained_bytes(config: XLMRobertaConfig, recipe: Recipe, heads: Mapping[str, int]) -> int:
    """Return how many bytes the trained weights of a phase take, in fp32; as ``weight_bytes``."""
    return weight_bytes(config, recipe, heads)[1]


def weight_bytes(
    config: XLMRobertaConfig, recipe: Recipe, heads: Mapping[str, int]
) -> tuple[int, int]:
    """Return how many bytes all weights of a phase take, and those that it trains, in fp32.

    Args:
        config: of the base.
        recipe: says which weights are trained.
        heads: the number of labels by the name of a head.
    """
    with torch.device("meta"):  # shapes alone
        encoder = XLMRobertaModel(config, add_pooling_layer=False)
        choose_trained(encoder, recipe.tuning)
        made = nn.ModuleList(make_head(name, labels, encoder) for name, labels in heads.items())
    weights = (*encoder.parameters(), *made.parameters())
    trained = sum(weight.numel() for weight in weights if weight.requires_grad)
    return _FP32 * sum(weight.numel() for weight in weights), _FP32 * trained


def phase_bytes(trained: int, evaluations: int) -> int:
    """Return the most that a phase holds: every evaluation's weights, and states to resume.

    Args:
        trained: bytes of the trained weights.
        evaluations: how many there will be.
    """
    # While one more checkpoint is written, or what the phase came to, the others are still there.
    return trained * (evaluations + 1) + trained * _MOMENTS * (RESUMABLE + 1)


def variant_bytes(config: XLMRobertaConfig, recipe: Recipe, trained: int) -> int:
    """Return the size of a published variant, and of a second one beside it while it is written."""
    if isinstance(recipe.tuning, LowRank):
        return trained // (_FP32 // _FP16)
    with torch.device("meta"):
        encoder = XLMRobertaModel(config)
    count: int = sum(weight.numel() for weight in encoder.parameters())
    return _FP32 * count


def bytes_in(folder: Path) -> int:
    """Return what the files in a folder take; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
