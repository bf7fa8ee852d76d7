"""transformers' padded forward pass, and torch's matrix product, in a process of their own.

    python -m loadtests.padded_process embedded

Their threads wait for each other as torch's do by default, and not as the service sets it; both
sides of a comparison are at their best so. Reads batches (rows of token ids, a JSON list a line),
answers each with its logits, the seconds they took, and operations a second of ``torch.mm``.
"""

from __future__ import annotations

import json
import sys
import time

import torch
from transformers import XLMRobertaConfig, XLMRobertaForMultipleChoice

from loadtests.bench.figures import seconds
from loadtests.padded import PaddedEncoder, PaddedVariant

SIDE = 2048
"""Of the square matrices whose product gives the machine's rate."""


def model_of(shape: str) -> XLMRobertaForMultipleChoice:
    """Return the shipped ``stilts`` model, or one of XLM-R base's shape with random weights."""
    shipped = PaddedVariant.shipped("stilts").model
    if shape == "embedded":
        return shipped
    torch.manual_seed(0)
    return XLMRobertaForMultipleChoice(
        XLMRobertaConfig(
            vocab_size=shipped.config.vocab_size,
            hidden_size=768,
            num_hidden_layers=12,
            num_attention_heads=12,
            intermediate_size=3072,
            max_position_embeddings=514,
            type_vocab_size=1,
            pad_token_id=1,
        )
    ).eval()


def main() -> None:
    """Answer batches until the input ends."""
    encoder = PaddedEncoder(model_of(sys.argv[1]))
    one, other = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
    for line in sys.stdin:
        rows = json.loads(line)
        began = time.perf_counter()
        logits = encoder.logits(rows)
        took = time.perf_counter() - began
        rate = 2 * SIDE**3 / seconds(torch.mm, one, other)
        answer = {"seconds": took, "mm_rate": rate, "logits": logits}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
