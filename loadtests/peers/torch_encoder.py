"""transformers' model in fp32, as the peers run it. Needs torch and transformers alone."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import XLMRobertaForMultipleChoice
from transformers.utils import logging

from loadtests.peers.padded_encoder import PaddedEncoder


def load_model(checkpoint: Path) -> XLMRobertaForMultipleChoice:
    """Load a checkpoint that ``xcopa export`` wrote; its logits are computed in fp32."""
    logging.disable_progress_bar()
    return XLMRobertaForMultipleChoice.from_pretrained(
        checkpoint, dtype=torch.float32, attn_implementation="sdpa"
    )


def load_torch(checkpoint: Path, threads: int) -> PaddedEncoder:
    """Load a checkpoint; torch works with that many threads in all of the process."""
    torch.set_num_threads(threads)
    return PaddedEncoder(load_model(checkpoint))
