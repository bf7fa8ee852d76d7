"""transformers' own forward pass over padded rows. Needs torch and transformers alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import XLMRobertaForMultipleChoice


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
        output = self._model(input_ids=input_ids[:, None], attention_mask=attention_mask[:, None])
        return [float(logit) for logit in output.logits[:, 0]]
