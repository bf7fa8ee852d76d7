"""What a work folder holds of other runs: it is refused, or removed where that is asked for.

Not only the phases that a run will make are looked at: whoever adds a seed, or takes one away,
would else compare seeds that learnt from different data.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from models.training.done import DonePhase
from models.training.durable import writing
from models.training.errors import TrainingError
from models.training.identity import MARKER, differences
from models.training.prepare import SHARED, PreparedRun

_OWNER = re.compile(rf"{SHARED}|seed-\d+")
_PHASE = re.compile(r"\d+-")


def stale_phases(prepared: PreparedRun) -> dict[Path, str]:
    """Return the folders of phases that were made from something else, each with what differs."""
    folders = [
        folder
        for folder in prepared.run.work.glob("*/*")
        if _OWNER.fullmatch(folder.parent.name) and _PHASE.match(folder.name)
    ]
    # Early phases first: what later ones inherit from them is no news.
    folders.sort(key=lambda folder: (_number(folder), folder))
    found = {folder: _difference(prepared, folder) for folder in folders}
    return {folder: difference for folder, difference in found.items() if difference}


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
            for variant in _made_of(folder):
                shutil.rmtree(variant)


def _difference(prepared: PreparedRun, folder: Path) -> str | None:
    """Compare a folder's record with what this run would record in its place."""
    owner, recipe = folder.parent.name, prepared.run.recipe
    number = _number(folder)
    if number > len(recipe.phases):
        return "another recipe (it had more phases)"
    seed = recipe.seeds[0] if owner == SHARED else int(owner.rpartition("-")[2])
    if not (folder / MARKER).exists() and not _has_weights(folder):
        return None  # a run was killed before it had bound the folder
    return differences(folder, prepared.depends_on(number, seed))


def _number(folder: Path) -> int:
    return int(folder.name.partition("-")[0])


def _has_weights(folder: Path) -> bool:
    return DonePhase.is_in(folder) or any(folder.glob("checkpoint-*"))


def _made_of(folder: Path) -> Iterator[Path]:
    owners = folder.parents[1].glob("seed-*") if folder.parent.name == SHARED else [folder.parent]
    for owner in owners:
        if (variant := owner / "variant").exists():
            yield variant
