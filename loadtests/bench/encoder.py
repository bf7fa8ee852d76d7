"""The packed encoder beside transformers' padded forward pass, and beside a matrix product."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Sequence

import torch
from rich.console import Console
from rich.progress import track
from transformers import XLMRobertaConfig, XLMRobertaForMultipleChoice

from app.engine.encoder import PackedEncoder
from app.engine.linear import make_linear
from loadtests.bench.figures import Figure, seconds
from loadtests.bench.items import mixed_items, rows_of
from loadtests.padded import PaddedEncoder, PaddedVariant

BATCHES, BATCH_ITEMS = 30, 16
SIDE = 2048
"""Of the square matrices whose product gives the machine's rate."""

Batch = list[tuple[int, ...]]


def measure(console: Console) -> list[Figure]:
    """Return the figures of the shipped shape and of XLM-R base, batches of 16 mixed items."""
    shipped = PaddedVariant.shipped("stilts")
    rows = rows_of(shipped.tokenizer, mixed_items(BATCHES * BATCH_ITEMS))
    grouped = [rows[start : start + BATCH_ITEMS] for start in range(0, len(rows), BATCH_ITEMS)]
    batches = [list(itertools.chain.from_iterable(group)) for group in grouped]
    figures = _compare("embedded model", shipped.model, batches, 1.6, console)
    # Twelve layers of base are eleven times the arithmetic of the shipped model's.
    base = XLMRobertaForMultipleChoice(_base_config()).eval()
    return figures + _compare("XLM-R base shape", base, batches[:8], 1.5, console)


def _base_config() -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=250_002,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=1,
    )


def _compare(
    name: str,
    model: XLMRobertaForMultipleChoice,
    batches: Sequence[Batch],
    target: float,
    console: Console,
) -> list[Figure]:
    padded, packed = PaddedEncoder(model), PackedEncoder(model)
    # Biases and norms are no arithmetic to speak of.
    weights = sum(
        parameter.numel() for parameter in model.roberta.encoder.parameters() if parameter.dim() > 1
    )
    torch_rate, onednn_rate = _Rate(_torch_product()), _Rate(_onednn_product())
    for batch in batches[:4]:
        packed.logits(batch), padded.logits(batch)
    ratios, of_torch, of_onednn, alike = [], [], [], 0.0
    for batch in track(batches, description=name, console=console):
        ours = seconds(packed.logits, batch)
        theirs = seconds(padded.logits, batch)
        useful = 2 * weights * sum(map(len, batch)) / ours
        ratios.append(theirs / ours)
        of_torch.append(useful / torch_rate())
        of_onednn.append(useful / onednn_rate())
    for batch in batches[:4]:
        pairs = zip(packed.logits(batch), padded.logits(batch), strict=True)
        alike = max(alike, *(abs(one - other) for one, other in pairs))
    tokens = sum(map(len, itertools.chain.from_iterable(batches))) / len(batches)
    return [
        Figure.of(
            f"{name}: packed over padded, same threads",
            ratios,
            f">= {target}",
            threads=torch.get_num_threads(),
            tokens_a_batch=round(tokens),
            largest_difference_of_logits=alike,
        ),
        Figure.of(
            f"{name}: useful arithmetic over torch.mm's rate",
            of_torch,
            ">= 0.85",
            gflops=round(torch_rate.median / 1e9),
        ),
        Figure.of(
            f"{name}: useful arithmetic over the best rate known here (oneDNN, packed weights)",
            of_onednn,
            "(stricter)",
            gflops=round(onednn_rate.median / 1e9),
        ),
    ]


class _Rate:
    """Measures operations a second of a matrix product, each time it is called."""

    def __init__(self, product: Callable[[], object]) -> None:
        self._product = product
        self._rates: list[float] = []
        seconds(product)

    def __call__(self) -> float:
        self._rates.append(2 * SIDE**3 / seconds(self._product))
        return self._rates[-1]

    @property
    def median(self) -> float:
        return statistics.median(self._rates)


def _torch_product() -> Callable[[], object]:
    one, other = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    return lambda: one @ other


def _onednn_product() -> Callable[[], object]:
    one, linear = torch.randn(SIDE, SIDE), make_linear(torch.randn(SIDE, SIDE), torch.zeros(SIDE))

    @torch.inference_mode()
    def product() -> object:
        return linear(one)

    return product
