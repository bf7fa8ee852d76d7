"""transformers' own padded forward pass: what parity and speed are measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from tokenizers import Tokenizer
from transformers import XLMRobertaForMultipleChoice

from app.engine.compute import set_up
from app.engine.prompt import Prompt
from app.engine.tokenizer import PairTokenizer
from app.settings import SHIPPED_MODELS, Settings
from app.weights.checkpoint import locate
from app.weights.loading import load_model, max_tokens


class PaddedEncoder:
    """transformers' own forward pass over rows padded to the longest.

    Every row is scored on its own (a choice set of one), so items with any number of choices
    share a batch; the softmax over an item's choices is the caller's.
    """

    def __init__(self, model: XLMRobertaForMultipleChoice) -> None:
        self._model = model.eval()
        self._padding = model.config.pad_token_id

    @torch.inference_mode()
    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
        """Return one logit a row.

        Args:
            rows: token ids, one sequence a row, of any lengths up to the model's limit.
        """
        if not rows:
            return []
        longest = max(len(row) for row in rows)
        input_ids = torch.full((len(rows), longest), self._padding, dtype=torch.long)
        attention_mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for index, row in enumerate(rows):
            input_ids[index, : len(row)] = torch.tensor(row, dtype=torch.long)
            attention_mask[index, : len(row)] = 1
        device = self._model.device
        output = self._model(
            input_ids=input_ids[:, None].to(device),
            attention_mask=attention_mask[:, None].to(device),
        )
        return [float(logit) for logit in output.logits[:, 0].float().cpu()]


@dataclass(frozen=True)
class PaddedVariant:
    """A variant as transformers runs it."""

    tokenizer: PairTokenizer
    engine: PaddedEncoder
    model: XLMRobertaForMultipleChoice

    @classmethod
    def shipped(cls, name: str) -> Self:
        """Load a shipped variant, with the threads that the service would use."""
        settings = Settings()
        set_up(settings.threads, lanes=False)
        source = str(Path(SHIPPED_MODELS) / name)
        checkpoint = locate(source, settings.cache_dir)
        model = load_model(checkpoint)
        pieces = Tokenizer.from_file(str(checkpoint.tokenizer_file))
        tokenizer = PairTokenizer(pieces, Prompt.load(checkpoint.own), max_tokens(model.config))
        return cls(tokenizer, PaddedEncoder(model), model)
