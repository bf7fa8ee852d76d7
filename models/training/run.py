"""``xcopa train``: trains a variant by a recipe, phase by phase and seed by seed.

A run that was killed resumes. Its files:

work/shared/1-<tasks>/      a phase that all seeds share
work/seed-<n>/2-<tasks>/    a phase of one seed: checkpoints, then ``done/``
work/seed-<n>/variant/      the result of that seed, in the format that the service loads
out/                        the variant of the seed with the best English validation accuracy
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import PartialState

from models.training.curves import draw
from models.training.done import DonePhase
from models.training.loop import OnStep
from models.training.phase import PhaseRun, Sets, check, load_sets
from models.training.publish import MODEL_FILES, publish
from models.training.recipe import Phase, Recipe, RecipeError
from models.training.record import write_record


@dataclass(frozen=True)
class TrainingRun:
    """Where a run reads and writes."""

    recipe: Recipe
    base: Path
    data: Path | None
    """A data directory; None for the hub."""
    work: Path
    """Checkpoints and logs, for resuming; not committed."""
    out: Path
    """The finished variant."""


OnPhase = Callable[[str], OnStep]
"""Called with the title of each phase that runs; returns an observer of its steps."""


def train(run: TrainingRun, on_phase: OnPhase) -> None:
    """Run every phase that is not done yet and write the variant.

    Started by ``accelerate launch``, every process runs this; the first of them writes.

    Raises:
        RecipeError: the work folder holds a phase of another recipe.
        DataError: a data set cannot be had or is wrong.
    """
    check(run.recipe, run.base)
    process = PartialState(cpu=not torch.cuda.is_available())
    sets = _LoadedSets(run)
    made: dict[Path, float] = {}
    for seed in run.recipe.seeds:
        phases = _run_phases(run, seed, sets, on_phase, process)
        variant = run.work / f"seed-{seed}" / "variant"
        if process.is_main_process:
            _write_variant(run, seed, phases, variant)
        made[variant] = phases[-1].chosen.mean
    if process.is_main_process:
        _replace(max(made, key=made.__getitem__), run.out)


def _claim(folder: Path, depends_on: dict[str, object]) -> None:
    """Bind a phase's folder to what the phase depends on, so that nothing else resumes it."""
    content = json.dumps(depends_on, indent=2, sort_keys=True) + "\n"
    marker = folder / "depends-on.json"
    if not marker.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"claiming-{os.getpid()}"
        partial.write_text(content, encoding="utf-8")
        partial.replace(marker)
    elif marker.read_text(encoding="utf-8") != content:
        raise RecipeError(
            f"{folder} was made with another recipe; remove it, or name another "
            "work folder with --work"
        )


def _dependencies(recipe: Recipe, phases: int, seed: int) -> dict[str, object]:
    """Return what the first phases depend on: not on later ones, nor on other seeds."""
    everything = recipe.model_dump(mode="json", exclude={"name", "seeds"})
    return {**everything, "phases": everything["phases"][:phases], "seed": seed}


class _LoadedSets:
    """The data of each phase, loaded when a phase first needs it and kept for the next seed."""

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._known: dict[Phase, Sets] = {}

    def of(self, phase: Phase) -> Sets:
        if phase not in self._known:
            self._known[phase] = load_sets(self._run.recipe, phase, self._run.base, self._run.data)
        return self._known[phase]


def _run_phases(
    run: TrainingRun, seed: int, sets: _LoadedSets, on_phase: OnPhase, process: PartialState
) -> list[DonePhase]:
    done: list[DonePhase] = []
    for number, phase in enumerate(run.recipe.phases, start=1):
        owner = "shared" if phase.shared else f"seed-{seed}"
        own_seed = run.recipe.seeds[0] if phase.shared else seed
        folder = run.work / owner / f"{number}-{'+'.join(phase.tasks)}"[:80]
        _claim(folder, _dependencies(run.recipe, number, own_seed))
        if not DonePhase.is_in(folder):
            phase_run = PhaseRun(run.recipe, phase, own_seed, run.base, sets.of(phase), folder)
            before = done[-1].weights() if done else {}
            outcome = phase_run.run(before, on_phase(f"{run.recipe.name} {owner}/{folder.name}"))
            process.wait_for_everyone()  # others may still read the checkpoints, which go now
            if process.is_main_process:
                DonePhase.write(folder, outcome, sets.of(phase).digests)
            process.wait_for_everyone()
        done.append(DonePhase.read(folder))
    return done


def _write_variant(run: TrainingRun, seed: int, phases: list[DonePhase], variant: Path) -> None:
    """Write what a seed made; the folder takes its name when it is whole."""
    partial = variant.with_name("writing")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    publish(run.recipe, run.base, phases[-1].weights(), partial)
    write_record(run.recipe, seed, phases, partial / "training.json")
    draw(run.recipe.name, phases, partial / "curves.svg")
    shutil.rmtree(variant, ignore_errors=True)
    partial.rename(variant)


def _replace(variant: Path, out: Path) -> None:
    """Copy a variant over another one; a model card that lies there stays."""
    out.mkdir(parents=True, exist_ok=True)
    for name in MODEL_FILES:
        (out / name).unlink(missing_ok=True)
    for file in variant.iterdir():
        shutil.copyfile(file, out / file.name)
