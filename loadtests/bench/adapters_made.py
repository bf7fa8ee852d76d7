"""Bases and adapters with drawn weights, to measure what they take: their values do not matter."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import XLMRobertaConfig, XLMRobertaForMultipleChoice

from app.weights.adapter import quiet_peft
from app.weights.checkpoint import TOKENIZER

_HEAD = ["pooler", "classifier"]


def base_in_shape(folder: Path, tokenizer_of: Path) -> Path:
    """Write a checkpoint in the shape of XLM-R base (Conneau et al. 2020), 278 million weights.

    Args:
        folder: is made.
        tokenizer_of: a checkpoint whose tokenizer it gets; XLM-R's has 250,002 pieces.
    """
    config = XLMRobertaConfig(
        vocab_size=250_002,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3_072,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    torch.manual_seed(0)
    XLMRobertaForMultipleChoice(config).save_pretrained(folder)
    shutil.copy(tokenizer_of / TOKENIZER, folder)
    return folder


def adapter_of(base: Path, folder: Path, layers: str, rank: int, seed: int) -> Path:
    """Write an adapter with its head.

    Args:
        base: what it is an adapter of.
        folder: is made.
        layers: pattern of the layers' names.
        rank: of each layer.
        seed: draws the weights.
    """
    config = XLMRobertaConfig.from_pretrained(base)
    torch.manual_seed(seed)
    model = XLMRobertaForMultipleChoice(config)
    model.name_or_path = str(base)
    described = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=layers,
        init_lora_weights=False,
        modules_to_save=_HEAD,
    )
    with quiet_peft():
        get_peft_model(model, described).save_pretrained(str(folder))
    return folder
