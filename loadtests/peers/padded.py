"""Variants and shapes as transformers runs them, with which the encoder is compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from tokenizers import Tokenizer
from transformers import XLMRobertaConfig, XLMRobertaForMultipleChoice

from app.engine.prompt import Prompt
from app.engine.tokenizer import PairTokenizer
from app.settings import SHIPPED_MODELS, STILTS, Settings
from app.weights.checkpoint import locate
from app.weights.loading import load_model, max_tokens
from loadtests.peers.padded_encoder import PaddedEncoder


@dataclass(frozen=True)
class PaddedVariant:
    """A variant as transformers runs it, in fp32 on the CPU."""

    tokenizer: PairTokenizer
    engine: PaddedEncoder
    model: XLMRobertaForMultipleChoice

    @classmethod
    def load(cls, source: str, cache_dir: Path) -> Self:
        """Load a variant; the arguments are those of ``locate``.

        Raises:
            StartError: it cannot be loaded.
        """
        checkpoint = locate(source, cache_dir)
        model = load_model(checkpoint)
        pieces = Tokenizer.from_file(str(checkpoint.tokenizer_file))
        tokenizer = PairTokenizer(pieces, Prompt.load(checkpoint.own), max_tokens(model.config))
        return cls(tokenizer, PaddedEncoder(model), model)


def shipped_stilts() -> PaddedVariant:
    """Load the ``stilts`` that the repository ships, whatever the settings name."""
    return PaddedVariant.load(str(SHIPPED_MODELS / STILTS), Settings().cache_dir)


def base_shape(vocabulary: int) -> XLMRobertaForMultipleChoice:
    """Return a model of XLM-R base's shape with random weights, always the same."""
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=vocabulary,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=1,
    )
    return XLMRobertaForMultipleChoice(config).eval()


def model_of(shape: str) -> XLMRobertaForMultipleChoice:
    """Return the shipped model (``embedded``), or random weights in XLM-R base's shape."""
    stilts = shipped_stilts().model
    return stilts if shape == "embedded" else base_shape(stilts.config.vocab_size)
