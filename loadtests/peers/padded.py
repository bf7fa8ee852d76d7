"""Variants and shapes as transformers runs them, with which the encoder is compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from tokenizers import Tokenizer
from transformers import XLMRobertaConfig, XLMRobertaForMultipleChoice

from app.engine.tokenizer import PairTokenizer
from app.model_settings.sources import SHIPPED_MODELS
from app.settings import STILTS, Settings
from app.weights.checkpoint import locate
from app.weights.loading import load_model, max_tokens
from app.weights.variant_config import VariantConfig
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
        tokenizer = PairTokenizer(
            pieces, VariantConfig.load(checkpoint.own).prompt, max_tokens(model.config)
        )
        return cls(tokenizer, PaddedEncoder(model), model)


def shipped_stilts() -> PaddedVariant:
    """Load the ``stilts`` that the repository ships, whatever the settings name."""
    return PaddedVariant.load(str(SHIPPED_MODELS / STILTS), Settings().cache_dir)


@dataclass(frozen=True)
class Size:
    """The size of a published XLM-R (Conneau et al. 2020, arXiv 1911.02116, section 3.2)."""

    hidden: int
    layers: int
    heads: int
    inner: int


SIZES = {"base": Size(768, 12, 12, 3072), "large": Size(1024, 24, 16, 4096)}


def random_model(size: Size, vocabulary: int) -> XLMRobertaForMultipleChoice:
    """Return a model of that size with random weights, always the same."""
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=vocabulary,
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=size.inner,
        max_position_embeddings=514,
        type_vocab_size=1,
        pad_token_id=1,
    )
    return XLMRobertaForMultipleChoice(config).eval()


def model_of(shape: str) -> XLMRobertaForMultipleChoice:
    """Return the shipped model (``embedded``), or random weights in a shape of ``SIZES``."""
    stilts = shipped_stilts().model
    return stilts if shape == "embedded" else random_model(SIZES[shape], stilts.config.vocab_size)
