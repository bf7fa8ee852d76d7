"""How much a training step computes, from the shape of the encoder and of a batch alone."""

from __future__ import annotations

from collections.abc import Iterable

from transformers import XLMRobertaConfig


def training_flops(config: XLMRobertaConfig, groups: Iterable[tuple[int, int]]) -> float:
    """Return the floating-point operations of a training step on a batch.

    Two a weight and token forward, in the linear layers, and four a score and channel in
    attention; twice that again backward (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
    Heads and optimiser, small beside them, are left out.

    Args:
        config: of the encoder.
        groups: rows and width of each block of the batch, as ``group_shapes`` returns them.
    """
    places, scores = places_and_scores(groups)
    forward = 2 * linear_weights(config) * places + 4 * scores * config.hidden_size
    return float(3 * config.num_hidden_layers * forward)


def linear_weights(config: XLMRobertaConfig) -> int:
    """Return how many weights the linear layers of one layer of the encoder have."""
    hidden: int = config.hidden_size
    return hidden * (4 * hidden + 2 * int(config.intermediate_size))


def places_and_scores(groups: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return the places of a batch, padding included, and the scores of one attention head."""
    shapes = list(groups)
    places = sum(rows * width for rows, width in shapes)
    return places, sum(rows * width**2 for rows, width in shapes)
