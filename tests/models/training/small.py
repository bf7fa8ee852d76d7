"""A run of two short phases on a tiny base, in this process: about a second."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from models.training.prepare import TrainingRun
from models.training.recipe import Phase, Recipe
from models.training.run import train
from tests import tiny
from tests.models.training import data
from tests.models.training.networks import phase, recipe

PHASE = {"learning_rate": 1e-2, "batch_tokens": 300, "max_items": 12, "evaluations": 3}


def first(**changes: object) -> Phase:
    own = {"tasks": ("socialiqa",), "validation": ("socialiqa",), "runs": 1}
    return phase(**{**PHASE, **own, **changes})


def small_recipe(base: Path, **changes: object) -> Recipe:
    values = {"base": str(base), "seeds": (3,), "phases": (first(), phase(**PHASE)), **changes}
    return recipe(**values)


def small_run(folder: Path) -> TrainingRun:
    """Make base and data in a folder, and return a run that writes beside them."""
    base = tiny.headless(folder / "base")
    data.write(folder / "data")
    return TrainingRun(
        small_recipe(base), base, folder / "data", folder / "work", folder / "made" / "out"
    )


def with_recipe(run: TrainingRun, **changes: object) -> TrainingRun:
    return replace(run, recipe=small_recipe(run.base, **changes))


def go(run: TrainingRun) -> list[str]:
    """Train; return the titles of the phases that took steps."""
    titles: list[str] = []

    def on_phase(title: str) -> object:
        titles.append(title)
        return lambda *_: None

    train(run, on_phase)  # type: ignore[arg-type]
    return titles


def contents(folder: Path) -> dict[str, str]:
    """The digest of every file in a folder, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file()
    }
