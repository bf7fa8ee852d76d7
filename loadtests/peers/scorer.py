"""What all peers serve: items to answers, with the padded pass, on an exported checkpoint.

Needs torch, transformers and tokenizers alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from tokenizers import Tokenizer
from transformers import XLMRobertaForMultipleChoice
from transformers.utils import logging

from loadtests.peers.padded_encoder import PaddedEncoder
from loadtests.peers.setup import PeerSetup, checkpoint

PeerItem = Mapping[str, str]
"""The fields of XCOPA."""

CHOICES = ("choice1", "choice2")


@dataclass(frozen=True)
class Scorer:
    """A model with its tokenizer, and what its ``xcopa.json`` says of how it is asked."""

    encoder: PaddedEncoder
    tokenizer: Tokenizer
    prompt: Mapping[str, str]
    temperature: float = 1.0

    @classmethod
    def configured(cls) -> Self:
        """Load the model of this process, with the threads that the environment states."""
        torch.set_num_threads(PeerSetup.read().threads)
        return cls.load(checkpoint())

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load a checkpoint that ``xcopa export`` wrote; its logits are computed in fp32."""
        logging.disable_progress_bar()
        model = XLMRobertaForMultipleChoice.from_pretrained(
            directory, dtype=torch.float32, attn_implementation="sdpa"
        )
        config = json.loads((directory / "xcopa.json").read_bytes())
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        tokenizer.no_padding()  # the rows of a batch are padded by the encoder
        prompt, temperature = config["prompt"], config.get("temperature", 1.0)
        return cls(PaddedEncoder(model), tokenizer, prompt, temperature)

    def answers(self, items: Sequence[PeerItem]) -> list[dict[str, Any]]:
        """Return label, probabilities and logits of each item, from one forward pass."""
        pairs = [self.pair(item, item[choice]) for item in items for choice in CHOICES]
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(pairs)]
        logits = torch.tensor(self.encoder.logits(rows)).reshape(-1, len(CHOICES))
        probabilities = (logits / self.temperature).softmax(-1)
        return [
            {"label": int(own.argmax()), "probabilities": shares.tolist(), "logits": own.tolist()}
            for own, shares in zip(logits, probabilities, strict=True)
        ]

    def pair(self, item: PeerItem, choice: str) -> tuple[str, str]:
        """Return the two texts of a row, as the service reads them."""
        asked = f"{self.prompt[item['question']]} {choice}".lstrip()
        if self.prompt.get("order") == "cause-first" and item["question"] == "cause":
            return asked, item["premise"]
        return item["premise"], asked
