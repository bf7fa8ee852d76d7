"""What a phase will take, known before its first step: tokens, FLOPs and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import XLMRobertaConfig

from models.training.flops import linear_weights, places_and_scores, training_flops
from models.training.phase import PhaseRun
from models.training.recipe import LowRank, Recipe
from models.training.space import weight_bytes
from models.training.stream import group_shapes

_MOMENTS = 2
"""AdamW keeps two numbers a weight."""

_FP32, _BF16 = 4, 2

Groups = Sequence[tuple[int, int]]
"""Rows and width of the blocks of a batch."""


@dataclass(frozen=True)
class Memory:
    """What a device holds at least while it trains, in bytes. An estimate.

    Left out: what heads compute, what the backward pass needs for a moment, what the allocator
    keeps in reserve, and the context of CUDA.
    """

    weights: int
    """All of them, in fp32."""
    gradients: int
    moments: int
    """AdamW's."""
    activations: int
    """What the encoder's layers keep for the backward pass of the largest batch."""

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.moments + self.activations


@dataclass(frozen=True)
class PhaseCost:
    """What all batches of a phase take; evaluations, which are small beside them, are left out."""

    tokens: int
    """Padding left out."""
    flops: float
    memory: Memory


def phase_cost(run: PhaseRun, config: XLMRobertaConfig, processes: int = 1) -> PhaseCost:
    """Count what the planned batches of a phase take.

    Args:
        run: a phase with its sets.
        config: of the base.
        processes: how many divide the batches.
    """
    tokens, flops, activations = 0, 0.0, 0
    for batch in run.batches():
        items = [run.sets.training[batch.task][place] for place in batch.items]
        groups = group_shapes(len(row) for item in items for row in item.rows)
        tokens += sum(item.tokens for item in items)
        flops += training_flops(config, groups)
        activations = max(activations, activation_bytes(config, run.recipe, groups))
    weights, trained = weight_bytes(config, run.recipe, run.sets.labels)
    return PhaseCost(tokens, flops, memory(weights, trained, activations, processes))


def memory(weights: int, trained: int, activations: int, processes: int = 1) -> Memory:
    """Return the memory of a device.

    Args:
        weights: bytes of all weights.
        trained: bytes of those that are trained.
        activations: bytes of the largest batch's.
        processes: of several, each keeps its gradients a second time, to exchange them.
    """
    copies = 1 if processes == 1 else 2
    return Memory(weights, copies * trained, _MOMENTS * trained, activations)


def activation_bytes(config: XLMRobertaConfig, recipe: Recipe, groups: Groups) -> int:
    """Return what the layers of the encoder keep of a batch for its backward pass, in bytes.

    Counted by the tensors that autograd saves, in the manner of Korthikanti et al. (2022,
    arXiv 2205.05198, section 4). In bf16, CUDA's autocast has norms and softmax in fp32, and casts
    the input of the query, key and value layers three times.
    """
    places, scores = places_and_scores(groups)
    hidden, inner = config.hidden_size, config.intermediate_size
    bf16, dropout = recipe.precision == "bf16", recipe.dropout > 0
    if bf16:
        # Of hidden size: inputs of q, k and v; q, k and v; the context; the inputs of both norms
        # (fp32) and of the first dense layer. Of inner size: the input and output of GELU.
        a_place = (6 + 6 + 2 + 8 + 2) * hidden + 4 * inner
        a_score = 4 + 2
    else:
        a_place = (4 + 12 + 4 + 8 + 4) * hidden + 8 * inner
        a_score = 4
    if dropout:  # its masks; in fp32 its output too, which bf16 counts as a cast already
        a_place += 2 * hidden
        a_score += 1 if bf16 else 1 + 4
    a_layer = places * a_place + scores * config.num_attention_heads * a_score
    return int(config.num_hidden_layers * (a_layer + _weight_copies(config, recipe)))


def _weight_copies(config: XLMRobertaConfig, recipe: Recipe) -> int:
    """Return the bytes of a layer's weights that each step makes anew and keeps."""
    if recipe.precision == "bf16":
        return _BF16 * linear_weights(config)
    folded = isinstance(recipe.tuning, LowRank)
    return _FP32 * linear_weights(config) if folded else 0
