"""Measures whether bf16 is worth its rounding on this CPU.

Instructions do not tell: with AVX512-BF16 alone, oneDNN's products took half as long as in fp32
on one processor (AMD, Zen 4) and twice as long on another (Intel, family 6, model 207, AMX hidden).
"""

from __future__ import annotations

import functools
import statistics
import time
from functools import partial

import torch

from app.clock import Clock
from app.engine.alternation import alternated_times
from app.engine.linear import Linear, kernels_for, make_linear

_CPU = torch.device("cpu")

INPUTS, OUTPUTS, TOKENS = 384, 1536, 128
ROUNDS = 9


@functools.cache
def bf16_gain() -> float:
    """Return how many times as fast a product is in bf16 as in fp32, here; measured once."""
    return measured_gain()


@torch.inference_mode()
def measured_gain(clock: Clock = time.perf_counter) -> float:
    """Return the quotient of two medians; the two sides take turns.

    Args:
        clock: returns seconds.
    """
    exact, rounded = _layer(torch.float32), _layer(torch.bfloat16)
    x = torch.rand(TOKENS, INPUTS)
    times = alternated_times(partial(exact, x), partial(rounded, x), ROUNDS, clock)
    return statistics.median(first for first, _ in times) / statistics.median(
        second for _, second in times
    )


def _layer(dtype: torch.dtype) -> Linear:
    weight = torch.rand(OUTPUTS, INPUTS).to(dtype)
    return make_linear(weight, torch.rand(OUTPUTS), kernel=kernels_for(_CPU, dtype)[0])
