"""What the peers serve: items to answers, on an exported checkpoint.

Needs tokenizers, and what the encoder needs: torch and transformers, unless another is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tokenizers import Tokenizer

from loadtests.peers.encoders import TORCH, RowEncoder, chosen, load_encoder
from loadtests.peers.pairs import CHOICES, PairTexts, PeerItem, softmax
from loadtests.peers.setup import PeerSetup, checkpoint


@dataclass(frozen=True)
class Scorer:
    """A model with its tokenizer, and how it is asked."""

    encoder: RowEncoder
    tokenizer: Tokenizer
    texts: PairTexts

    @classmethod
    def configured(cls) -> Self:
        """Load what the environment of this process asks for, with the threads that it states."""
        return cls.load(checkpoint(), chosen(), PeerSetup.read().threads)

    @classmethod
    def load(cls, directory: Path, encoder: str = TORCH, threads: int = 1) -> Self:
        """Load a checkpoint that ``xcopa export`` wrote."""
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        tokenizer.no_padding()  # the rows of a batch are padded by the encoder
        loaded = load_encoder(encoder, directory, threads)
        return cls(loaded, tokenizer, PairTexts.read(directory))

    def answers(self, items: Sequence[PeerItem]) -> list[dict[str, Any]]:
        """Return label, probabilities and logits of each item, from one forward pass."""
        logits = self.encoder.logits(self.rows(items))
        return [self._answer(logits[first : first + 2]) for first in range(0, len(logits), 2)]

    def rows(self, items: Sequence[PeerItem]) -> list[list[int]]:
        """Return token ids: a row for each choice of each item."""
        pairs = [self.texts.pair(item, item[choice]) for item in items for choice in CHOICES]
        return [encoding.ids for encoding in self.tokenizer.encode_batch_fast(pairs)]

    def _answer(self, logits: list[float]) -> dict[str, Any]:
        return {
            "label": logits.index(max(logits)),
            "probabilities": softmax(logits, self.texts.temperature),
            "logits": logits,
        }
