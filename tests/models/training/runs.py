"""What a phase came to, as the loop would give it."""

from __future__ import annotations

from pathlib import Path

import torch

from models.training.done import DonePhase
from models.training.loop import PhaseOutcome
from models.training.progress import Evaluation, Progress

EVALUATIONS = [
    Evaluation(2, {"copa/val": 0.5, "piqa/val": 0.9}),
    Evaluation(4, {"copa/val": 0.75, "piqa/val": 0.85}),
]
DIGESTS = {"copa/train": "a" * 64, "copa/val": "b" * 64}


def progress() -> Progress:
    return Progress(
        step=4,
        steps=4,
        losses=[(0, "copa", 1.0), (1, "piqa", 2.0), (2, "copa", 0.0), (3, "piqa", 1.0)],
        evaluations=list(EVALUATIONS),
        wall_seconds=12.345,
        cpu_seconds=23.456,
        tokens=800,
        flops=1e9,
    )


def outcome() -> PhaseOutcome:
    weights = {"encoder.a": torch.tensor([1.0, 2.0]), "heads.multiple-choice.b": torch.ones(3)}
    last = {name: weight + 1 for name, weight in weights.items()}
    return PhaseOutcome(weights, progress(), EVALUATIONS[1], last)


def done(folder: Path) -> DonePhase:
    """Write an outcome to a folder and read it back."""
    folder.mkdir(parents=True)
    DonePhase.write(folder, outcome(), DIGESTS)
    return DonePhase.read(folder)
