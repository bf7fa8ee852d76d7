"""The files of a phase that is done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import load_file, save_file

from models.training.loop import PhaseOutcome
from models.training.network import Weights
from models.training.progress import Evaluation, Progress


@dataclass(frozen=True)
class DonePhase:
    """What a phase came to; its weights are read when they are asked for."""

    folder: Path
    progress: Progress
    chosen: Evaluation
    digests: Mapping[str, str]
    """SHA-256 of the examples, by ``task/split``."""

    @property
    def title(self) -> str:
        return self.folder.name

    def weights(self) -> Weights:
        weights: Weights = load_file(self.folder / "done" / "weights.safetensors")
        return weights

    @staticmethod
    def is_in(folder: Path) -> bool:
        return (folder / "done").is_dir()

    @staticmethod
    def write(folder: Path, outcome: PhaseOutcome, digests: Mapping[str, str]) -> None:
        """Write an outcome; ``done`` takes its name when it is whole. Checkpoints go."""
        partial = folder / "finishing"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        save_file(outcome.weights, partial / "weights.safetensors")
        outcome.progress.write(partial / "progress.json")
        rest = {"chosen": asdict(outcome.chosen), "digests": dict(digests)}
        (partial / "phase.json").write_text(json.dumps(rest, indent=2) + "\n", encoding="utf-8")
        partial.rename(folder / "done")
        for checkpoint in folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)

    @classmethod
    def read(cls, folder: Path) -> DonePhase:
        done = folder / "done"
        rest = json.loads((done / "phase.json").read_text(encoding="utf-8"))
        progress = Progress.read(done / "progress.json")
        return cls(folder, progress, Evaluation(**rest["chosen"]), rest["digests"])
