"""transformers' own forward pass over padded rows: the logits that every engine must have."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import XLMRobertaForMultipleChoice


class PaddedOracle:
    """Shares no code with the engine, and none with what the benchmarks compare it with."""

    def __init__(self, model: XLMRobertaForMultipleChoice) -> None:
        self._model = model.eval()

    @torch.inference_mode()
    def logits(self, rows: Sequence[Sequence[int]]) -> list[float]:
        """Return one logit a row: each is a choice set of one."""
        device, padding = self._model.device, self._model.config.pad_token_id
        tensors = [torch.tensor(row) for row in rows]
        ids = pad_sequence(tensors, batch_first=True, padding_value=padding).to(device)
        lengths = torch.tensor([len(row) for row in rows], device=device)
        # By length and not by id: a literal padding id inside a row is a token like others.
        mask = torch.arange(ids.shape[1], device=device) < lengths[:, None]
        found = self._model(input_ids=ids[:, None], attention_mask=mask[:, None].long())
        logits: list[float] = found.logits[:, 0].float().tolist()
        return logits
