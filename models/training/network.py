"""One encoder under the heads of several tasks, and which of its weights are trained."""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from safetensors import safe_open
from torch import Tensor, nn
from transformers import XLMRobertaModel

from app.weights.checkpoint import weight_files
from models.training.batch import Inputs
from models.training.flops import training_flops
from models.training.folded import folded
from models.training.heads import MASKED_TEXT, BatchResult, make_head
from models.training.recipe import Full, LowRank, Recipe
from models.training.stream import ATTENTION, register_attention

LINEAR_LAYERS = r"(.*\.)?encoder\.layer\..*\.(query|key|value|dense)"

_PRETRAINED_HEAD = {
    "lm_head.dense.weight": "dense.weight",
    "lm_head.dense.bias": "dense.bias",
    "lm_head.layer_norm.weight": "norm.weight",
    "lm_head.layer_norm.bias": "norm.bias",
    "lm_head.bias": "bias",
}
"""The parts of the head of masked text, by the names that XLM-R's checkpoints have for them."""

Weights = dict[str, Tensor]


class Network(nn.Module):
    """An XLM-R encoder with a head for each kind of task."""

    def __init__(self, base: Path, recipe: Recipe, heads: Mapping[str, int]) -> None:
        """Load the encoder and make new heads.

        Args:
            base: the directory of an XLM-R checkpoint, with or without a head.
            recipe: says which weights are trained.
            heads: the number of labels by the name of a head; see ``make_head``.
        """
        super().__init__()
        register_attention()
        self.encoder = XLMRobertaModel.from_pretrained(
            base,
            add_pooling_layer=False,
            dtype=torch.float32,
            hidden_dropout_prob=recipe.dropout,
            attention_probs_dropout_prob=recipe.dropout,
            attn_implementation=ATTENTION,
        )
        choose_trained(self.encoder, recipe.tuning)
        self.heads = nn.ModuleDict(
            {name: make_head(name, labels, self.encoder) for name, labels in heads.items()}
        )
        if MASKED_TEXT in self.heads:
            _keep_pretrained(self.heads[MASKED_TEXT], base)

    def forward(self, inputs: Inputs) -> BatchResult:
        """Return the mean loss over a batch, and how many of its items are answered correctly."""
        hidden = self.encoder.embeddings(
            input_ids=inputs.stream.ids, position_ids=inputs.stream.positions
        )
        states = self.encoder.encoder(hidden, batch=inputs.stream).last_hidden_state[0]
        answer: BatchResult = self.heads[inputs.head](states, inputs)
        return answer

    @property
    def padding_id(self) -> int:
        return int(self.encoder.config.pad_token_id)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def flops(self, inputs: Inputs) -> float:
        """Return the floating-point operations of a training step on a batch."""
        groups = inputs.stream.groups
        return training_flops(self.encoder.config, ((each.rows, each.width) for each in groups))

    def trained(self) -> Weights:
        """Return the weights that training changes, heads included, by name."""
        return {name: weight for name, weight in self.named_parameters() if weight.requires_grad}

    @torch.no_grad()
    def put(self, weights: Mapping[str, Tensor]) -> None:
        """Take over weights that ``trained`` returned, here or in a phase before.

        Raises:
            KeyError: a weight has no place here.
        """
        own = dict(self.named_parameters())
        for name, weight in weights.items():
            own[name].copy_(weight)


def encoder_weights(weights: Mapping[str, Tensor]) -> Weights:
    """Return the weights that a phase with other heads starts from."""
    return {name: weight for name, weight in weights.items() if name.startswith("encoder.")}


def low_rank(shape: LowRank) -> LoraConfig:
    """Return PEFT's description of the adapter, for an encoder or a model around one."""
    return LoraConfig(
        r=shape.rank,
        lora_alpha=shape.alpha,
        lora_dropout=0.0,
        target_modules=LINEAR_LAYERS,
    )


def choose_trained(encoder: Any, tuning: LowRank | Full) -> None:
    if isinstance(tuning, Full):
        encoder.embeddings.requires_grad_(tuning.embeddings)
        return
    encoder.requires_grad_(False)
    inject_adapter_in_model(low_rank(tuning), encoder)
    for module in encoder.modules():
        if hasattr(module, "lora_A"):
            module.forward = types.MethodType(folded, module)


@torch.no_grad()
def _keep_pretrained(head: nn.Module, base: Path) -> None:
    """Give a head of masked text the weights that its base was pretrained with, if it has any."""
    own = dict(head.named_parameters())
    for path in weight_files(base):
        with safe_open(path, framework="pt") as file:
            for theirs in file.keys() & _PRETRAINED_HEAD.keys():
                own[_PRETRAINED_HEAD[theirs]].copy_(file.get_tensor(theirs))
