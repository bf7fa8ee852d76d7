"""The files of a phase that is done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.training.durable import whole_folder, writing
from models.training.errors import TrainingError
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
        """Read the weights.

        Raises:
            TrainingError: the file is damaged or missing.
        """
        return self._read("weights.safetensors")

    def last_weights(self) -> Weights:
        """Read the weights after the last step; raises as ``weights``."""
        return self._read("last.safetensors")

    def _read(self, name: str) -> Weights:
        done = self.folder / "done"
        with _whole(done):
            weights: Weights = load_file(done / name, backend="pread")
            return weights

    @staticmethod
    def is_in(folder: Path) -> bool:
        return (folder / "done").is_dir()

    @staticmethod
    def write(folder: Path, outcome: PhaseOutcome, digests: Mapping[str, str]) -> None:
        """Write an outcome; ``done`` takes its name when it is whole. Checkpoints go.

        Raises:
            TrainingError: it cannot be written; the checkpoints are still there.
        """
        with whole_folder(folder / "done", folder / "finishing") as partial:
            save_file(outcome.weights, partial / "weights.safetensors")
            save_file(outcome.last, partial / "last.safetensors")
            outcome.progress.write(partial / "progress.json")
            rest = {"chosen": asdict(outcome.chosen), "digests": dict(digests)}
            text = json.dumps(rest, indent=2) + "\n"
            (partial / "phase.json").write_text(text, encoding="utf-8")
        DonePhase.tidy(folder)

    @staticmethod
    def tidy(folder: Path) -> None:
        """Remove the checkpoints of a phase that is done, as far as a kill left some.

        Raises:
            TrainingError: one cannot be removed.
        """
        with writing(folder):
            for checkpoint in folder.glob("checkpoint-*"):
                shutil.rmtree(checkpoint)

    @classmethod
    def read(cls, folder: Path) -> DonePhase:
        """Read what ``write`` wrote.

        Raises:
            TrainingError: a file of it is damaged or missing.
        """
        done = folder / "done"
        with _whole(done):
            rest = json.loads((done / "phase.json").read_text(encoding="utf-8"))
            progress = Progress.read(done / "progress.json")
            return cls(folder, progress, Evaluation(**rest["chosen"]), rest["digests"])


@contextmanager
def _whole(done: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{done} is damaged ({' '.join(str(error).split())}); remove it, and the phase is "
            "trained again"
        ) from error
