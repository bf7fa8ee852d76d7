"""How much longer a model takes with its adapter apart: counted, and measured."""

from __future__ import annotations

import statistics
import time
from functools import partial

import torch
from transformers import XLMRobertaForMultipleChoice

from app.clock import Clock
from app.engine.adapted import AdaptedLinear, merge_adapters
from app.engine.alternation import alternated_times
from app.engine.encoder import PackedEncoder
from app.engine.engine import Engine
from app.engine.kernel_choice import Kernels
from app.engine.processes.trial import FULL, LONE, Lengths
from app.engine.target import Target

LAYERS = 3
"""Of the model that is measured: layers are alike, and the last one takes little time."""

ROUNDS = 15


def share_of_products(model: XLMRobertaForMultipleChoice) -> float:
    """Return the multiplications of the low-rank products over those of all linear layers."""
    whole = low = 0
    for module in model.roberta.encoder.modules():
        if isinstance(module, AdaptedLinear):
            low += module.down.numel() + module.up.numel()
        elif isinstance(module, torch.nn.Linear):
            whole += module.weight.numel()
    return low / whole


def measured_ratio(
    model: XLMRobertaForMultipleChoice,
    target: Target,
    kernels: Kernels,
    clock: Clock = time.perf_counter,
) -> float:
    """Return the time of passes with the adapter apart over that with it merged.

    The larger one of two medians: of a full batch, and of a lone item. The two take turns.

    Args:
        model: shortened and merged by this.
        target: where to compute, and in which numbers.
        kernels: of the linear layers.
        clock: returns seconds.
    """
    encoder = model.roberta.encoder
    encoder.layer = encoder.layer[:LAYERS]
    beside = PackedEncoder(model, target, kernels)
    merge_adapters(model)
    merged = PackedEncoder(model, target, kernels)
    pairs = (pass_times(beside, merged, lengths, clock) for lengths in (FULL, LONE))
    return max(statistics.median(one / other for one, other in each) for each in pairs)


def pass_times(
    first: Engine, second: Engine, lengths: Lengths, clock: Clock = time.perf_counter
) -> list[tuple[float, float]]:
    """Return the seconds of passes of two engines, which take turns.

    Args:
        first, second: the engines.
        lengths: tokens of each row of the batch.
        clock: returns seconds.
    """
    rows = [[0] * length for length in lengths]
    return alternated_times(
        partial(first.logits, rows), partial(second.logits, rows), ROUNDS, clock
    )
