"""The checkpoints of a phase: written whole, checked when they are read, the last two to resume.

A checkpoint lists the SHA-256 of its files. So one that a crash, a full disk or a bad disk damaged
is seen, and the one before it is used.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from models.training.durable import whole_folder, writing
from models.training.network import Weights
from models.training.progress import Progress

log = logging.getLogger(__name__)

RESUMABLE = 2
"""Of how many checkpoints the optimiser's state is kept; of earlier ones only the weights are."""

_WEIGHTS, _PROGRESS, _STATE = "weights.safetensors", "progress.json", "state.pt"
_DIGESTS = "sha256.json"


@dataclass(frozen=True)
class SavedStep:
    """What a phase goes on from."""

    weights: Weights
    progress: Progress
    state: Mapping[str, Any]
    """Of the optimiser and of its learning rate."""


class Checkpoints:
    """Those in the folder of one phase."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, saved: SavedStep) -> None:
        """Write a checkpoint.

        Raises:
            TrainingError: it cannot be written; those before are as they were.
        """
        target = self._of(saved.progress.step)
        with whole_folder(target, self._folder / "saving") as partial:
            save_file(saved.weights, partial / _WEIGHTS)
            saved.progress.write(partial / _PROGRESS)
            _save_state(saved.state, partial / _STATE)
            digests = {path.name: _sha256(path) for path in partial.iterdir()}
            (partial / _DIGESTS).write_text(json.dumps(digests) + "\n", encoding="utf-8")
        with writing(self._folder):
            for step in self._steps(_STATE)[:-RESUMABLE]:
                (self._of(step) / _STATE).unlink()

    def newest(self, wait: Callable[[], None], is_main: bool) -> SavedStep | None:
        """Return the newest checkpoint that is whole, as are the weights of those before it.

        What comes after it is removed, since it will be made again.

        Args:
            wait: for the other processes, which all look before one removes.
            is_main: whether this process is the one that removes.
        """
        damaged = self._damaged()
        good = [step for step in self._steps(_STATE) if not damaged or step < damaged[0]]
        wait()
        if damaged and is_main:
            self._remove_from(damaged[0], good)
        wait()
        return self._read(good[-1]) if good else None

    def last_step(self) -> int | None:
        """Return the step of the newest checkpoint that can be resumed, damaged or not."""
        return max(self._steps(_STATE), default=None)

    def weights(self, step: int) -> Weights:
        """Return the weights after a step."""
        # Into memory of our own: a mapped file changes under the run when somebody writes to it.
        weights: Weights = load_file(self._of(step) / _WEIGHTS, backend="pread")
        return weights

    def _damaged(self) -> list[int]:
        return [step for step in self._steps() if not _is_whole(self._of(step))]

    def _remove_from(self, first: int, good: list[int]) -> None:
        instead = f"training goes on from step {good[-1]}" if good else "the phase begins again"
        log.warning("%s is damaged; %s", self._of(first), instead)
        last = good[-1] if good else 0
        with writing(self._folder):
            for step in self._steps():
                if step > last:
                    shutil.rmtree(self._of(step))

    def _read(self, step: int) -> SavedStep:
        folder = self._of(step)
        state = torch.load(folder / _STATE, weights_only=True, map_location="cpu")
        return SavedStep(self.weights(step), Progress.read(folder / _PROGRESS), state)

    def _steps(self, holding: str = "") -> list[int]:
        found = self._folder.glob("checkpoint-*")
        return sorted(
            int(path.name.rpartition("-")[2]) for path in found if (path / holding).exists()
        )

    def _of(self, step: int) -> Path:
        return self._folder / f"checkpoint-{step}"


def _save_state(state: Mapping[str, Any], path: Path) -> None:
    try:
        torch.save(dict(state), path)
    except RuntimeError as error:  # torch says no more than where in the file it was
        raise OSError("the disk is full, or files may not be so large") from error


def _is_whole(checkpoint: Path) -> bool:
    """Whether the files are those that were written; the state may have been removed."""
    try:
        digests = json.loads((checkpoint / _DIGESTS).read_text(encoding="utf-8"))
        names = set(digests) - ({_STATE} if not (checkpoint / _STATE).exists() else set())
        return {_WEIGHTS, _PROGRESS} <= names and all(
            _sha256(checkpoint / name) == digests[name] for name in names
        )
    except (OSError, ValueError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
