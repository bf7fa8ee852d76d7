"""How much memory a forward pass takes beside the weights, known before the first one.

Rows of any number run in parts, and a part is as many tokens as suit the processor, or one row
that is longer by itself. So the longest row that a model reads decides.
"""

from __future__ import annotations

from transformers import XLMRobertaConfig

from app.engine.packing import aligned
from app.engine.target import Target

PART_TOKENS = 512
"""On a CPU a larger batch is run in parts of this size: the activations of a part stay in the
cache, and nothing is gained above (``docs/decisions/0006-packed-encoder.md``)."""

CUDA_PART_TOKENS = 1 << 15
"""The same on CUDA, where it only bounds the memory."""

SCORES = 1 << 23
"""Attention scores that are in memory at once on a CPU: 16 heads of 700 tokens. Above, heads and
then queries take turns, which changes no answer: each query's softmax is its own."""

CUDA_SCORES = 1 << 28
"""The same on CUDA."""

_SCORE_BYTES = 8
"""A score, and its share of the sum, in fp32; the same in bf16, where the share is there twice."""
_INDEX_BYTES = 8
_ALLOCATOR = 1.6
"""What tensors take at most, over what they hold: the allocator keeps freed pieces between those in
use. How many differs from process to process; of 20, one took 1.5 times what its tensors held."""
_LIBRARIES_BYTES = 48_000_000
"""What libraries of matrix products keep for themselves. It differs with the processor: a pass
whose tensors hold 101 MB took 100 MB on one and 135 MB on another."""
_FP32_BYTES = 4


def part_tokens(target: Target) -> int:
    """Return the tokens of a part, unless one row has more."""
    return PART_TOKENS if target.device.type == "cpu" else CUDA_PART_TOKENS


def most_scores(target: Target) -> int:
    """Return the attention scores that may be in memory at once."""
    return SCORES if target.device.type == "cpu" else CUDA_SCORES


def working_bytes(config: XLMRobertaConfig, target: Target, longest: int) -> int:
    """Return the most memory that a forward pass takes beside the weights, in bytes.

    Args:
        config: of the model.
        target: where it computes, and in which numbers.
        longest: tokens of the longest row that is let in.
    """
    # Attention pads rows that it takes as one block: in a part of short rows, to twice as many.
    tokens = aligned(max(longest, 2 * part_tokens(target)))
    hidden: int = config.hidden_size
    heads: int = config.num_attention_heads
    # In attention at its fullest: query, key and value as the layer made them and once more by
    # head, and the contexts in both orders.
    attention = tokens * hidden * 8 * target.dtype.itemsize
    stream = tokens * hidden * _FP32_BYTES * 2
    places = tokens * heads * _INDEX_BYTES * 8
    scores = min(most_scores(target), heads * tokens**2) * _SCORE_BYTES
    inner: int = config.intermediate_size
    feed_forward = part_tokens(target) * (inner + 2 * hidden) * _FP32_BYTES
    tensors = attention + stream + places + max(scores, feed_forward)
    return int(_ALLOCATOR * tensors) + _LIBRARIES_BYTES
