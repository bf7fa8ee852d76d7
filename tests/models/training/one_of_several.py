"""Trains some steps as one of several processes, and says what weights this one came to."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import torch

from models.training.batch import make_inputs
from models.training.example_tokenizer import Encoded
from models.training.loop import Loop, PhaseWork, Schedule
from models.training.network import Network
from models.training.recipe import Keep
from tests.models.training.networks import HEADS, LORA, recipe

BATCHES = 9


def main(base: Path, folder: Path) -> None:
    """Print the digest of the weights before and after training."""
    rank = int(os.environ["RANK"])
    # Each begins elsewhere, as after a head that is drawn by chance: the first one's weights count.
    torch.manual_seed(rank)
    network = Network(base, recipe(LORA), HEADS)
    before = digest(network)
    schedule = Schedule(1, 1e-2, 0.0, 1.0, 0.1, 1, evaluations=2, keep=Keep.LAST)
    work = PhaseWork(
        batches=BATCHES,
        inputs=lambda number: make_inputs(
            "multiple-choice", [Encoded(((0, 9, 8 + number, 2), (0, 7, 6, 2)), (number % 2,))], 1
        ),
        task_of=lambda _: "copa",
        validate=lambda _: {"copa": 0.5},
        flops=lambda _: 1.0,
    )
    Loop(network, schedule, folder, bf16=False).run(work, lambda *_: None)
    (folder / f"rank-{rank}.txt").write_text(f"{before} {digest(network)}", "utf-8")


def digest(network: Network) -> str:
    """Return the SHA-256 of what is trained."""
    whole = hashlib.sha256()
    for name, weight in sorted(network.trained().items()):
        whole.update(name.encode() + weight.detach().numpy().tobytes())
    return whole.hexdigest()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
