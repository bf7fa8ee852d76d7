"""What a work folder holds of other runs: it is refused, or removed where that is asked for.

Not only the phases that a run will make are looked at: whoever adds a seed, or takes one away,
would else compare seeds that learnt from different data.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from models.training.done import DonePhase
from models.training.durable import writing
from models.training.errors import TrainingError
from models.training.identity import MARKER, differences, recorded_seeds
from models.training.prepare import PreparedRun

_OWNER = re.compile(r"seed-\d+")
_PHASE = re.compile(r"\d+-")


def stale_phases(prepared: PreparedRun) -> dict[Path, str]:
    """Return the folders of phases that were made from something else, each with what differs."""
    run = prepared.run
    last = len(run.recipe.phases)
    folders = _phases_in(run.last_work)
    if run.fold is not None:
        folders += [folder for folder in _phases_in(run.work) if _number(folder) < last]
    # Early phases first: what later ones inherit from them is no news.
    folders.sort(key=lambda folder: (_number(folder), folder))
    found = {folder: _difference(prepared, folder) for folder in folders}
    return {folder: difference for folder, difference in found.items() if difference}


def _phases_in(work: Path) -> list[Path]:
    return [
        folder
        for folder in work.glob("*/*")
        if _OWNER.fullmatch(folder.parent.name) and _PHASE.match(folder.name)
    ]


def refuse(prepared: PreparedRun, stale: dict[Path, str]) -> None:
    """Say what the first such folder was made from.

    Raises:
        TrainingError: there is one.
    """
    for folder, difference in stale.items():
        raise TrainingError(
            f"{folder} was made with {difference}; remove {prepared.run.work}, name another folder "
            "with --work, or start anew what differs with --force"
        )


def remove(stale: dict[Path, str]) -> None:
    """Remove phases, and the variants that were made of them.

    Raises:
        TrainingError: a folder cannot be removed.
    """
    for folder in stale:
        with writing(folder):
            shutil.rmtree(folder)
            # What later phases made of this one is stale too, and goes with them.
            if (variant := folder.with_name("variant")).exists():
                shutil.rmtree(variant)


def _difference(prepared: PreparedRun, folder: Path) -> str | None:
    """Compare a folder's record with what this run would record in its place."""
    recipe = prepared.run.recipe
    number = _number(folder)
    if number > len(recipe.phases):
        return "another recipe (it had more phases)"
    seed = int(folder.parent.name.rpartition("-")[2])
    if not (folder / MARKER).exists() and not _has_weights(folder):
        return None  # a run was killed before it had bound the folder
    if seed in recipe.seeds:
        seeds = recipe.phase_seeds(seed)[:number]
    else:
        # A seed that is not named any more: whose turn it was, its record alone can tell.
        seeds = recorded_seeds(folder) or (seed,) * number
    return differences(folder, prepared.depends_on(seeds))


def _number(folder: Path) -> int:
    return int(folder.name.partition("-")[0])


def _has_weights(folder: Path) -> bool:
    return DonePhase.is_in(folder) or any(folder.glob("checkpoint-*"))
