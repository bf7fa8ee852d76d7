"""How far a phase is and what it has cost; a checkpoint stores it with the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Evaluation:
    """What was found at one point of a phase."""

    step: int
    accuracy: Mapping[str, float]
    """By validation set."""

    @property
    def mean(self) -> float:
        """The mean over the validation sets, of which there must be one."""
        return sum(self.accuracy.values()) / len(self.accuracy)


@dataclass
class Progress:
    """How far a phase is, and what it has cost."""

    step: int = 0
    steps: int | None = None
    """How many there are; another number of processes or other data would make it another run."""
    losses: list[tuple[int, str, float]] = field(default_factory=list)
    """Step, task and loss of each step's last batch."""
    evaluations: list[Evaluation] = field(default_factory=list)
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    tokens: int = 0
    flops: float = 0.0

    @classmethod
    def read(cls, path: Path) -> Progress:
        content = json.loads(path.read_text(encoding="utf-8"))
        content["losses"] = [tuple(loss) for loss in content["losses"]]
        content["evaluations"] = [Evaluation(**each) for each in content["evaluations"]]
        return cls(**content)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
