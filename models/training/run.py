"""``xcopa train``: trains a variant by a recipe, phase by phase and seed by seed.

A run that was killed resumes. Its files:

work/shared/1-<tasks>/      a phase that all seeds share
work/seed-<n>/2-<tasks>/    a phase of one seed: checkpoints, then ``done/``
work/seed-<n>/variant/      the result of that seed, in the format that the service loads
out/                        the variant of the seed with the best English validation accuracy
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate import PartialState

from models.training import stale
from models.training.curves import draw
from models.training.done import DonePhase
from models.training.durable import whole_folder, writing
from models.training.holding import held
from models.training.identity import DependsOn, write_marker
from models.training.loop import OnStep
from models.training.output import put_out
from models.training.phase import PhaseRun
from models.training.prepare import PreparedRun, TrainingRun, check_room, prepare
from models.training.publish import publish
from models.training.record import write_record

OnPhase = Callable[[str], OnStep]
"""Called with the title of each phase that runs; returns an observer of its steps."""


def train(run: TrainingRun, on_phase: OnPhase) -> None:
    """Run every phase that is not done yet and write the variant.

    Started by ``accelerate launch``, every process runs this; the first of them writes.

    Raises:
        TrainingError: the work folder holds phases of another run, or is in use; nothing can be
            written; or training came to NaN or infinity.
        DataError: a data set cannot be had or is wrong.
        StartError: the base is none that the service would load.
    """
    process = PartialState(cpu=not torch.cuda.is_available())
    prepared = prepare(run)
    with held(run.work) if process.is_main_process else nullcontext():
        _make_way(prepared, process)
        made: dict[Path, float] = {}
        for seed in run.recipe.seeds:
            phases = _run_phases(prepared, seed, on_phase, process)
            variant = run.work / f"seed-{seed}" / "variant"
            if process.is_main_process:
                _write_variant(prepared, seed, phases, variant)
            made[variant] = phases[-1].chosen.mean
        if process.is_main_process:
            put_out(max(made, key=made.__getitem__), run.out)


def _make_way(prepared: PreparedRun, process: PartialState) -> None:
    """Refuse, or remove, what other runs left in the work folder."""
    found = stale.stale_phases(prepared)
    if not prepared.run.force:
        stale.refuse(prepared, found)
    process.wait_for_everyone()  # all must have looked before one removes
    if process.is_main_process:
        stale.remove(found)
        check_room(prepared)
    process.wait_for_everyone()


def _run_phases(
    prepared: PreparedRun, seed: int, on_phase: OnPhase, process: PartialState
) -> list[DonePhase]:
    done: list[DonePhase] = []
    for number, phase_run in enumerate(prepared.phases(seed), start=1):
        folder = phase_run.folder
        if process.is_main_process:
            _begin(folder, prepared.depends_on(number, seed))
        process.wait_for_everyone()
        if not DonePhase.is_in(folder):
            _run_phase(phase_run, done, on_phase, process)
        done.append(DonePhase.read(folder))
    return done


def _begin(folder: Path, depends_on: DependsOn) -> None:
    with writing(folder):
        write_marker(folder, depends_on)
    if DonePhase.is_in(folder):
        DonePhase.tidy(folder)


def _run_phase(
    phase_run: PhaseRun, done: list[DonePhase], on_phase: OnPhase, process: PartialState
) -> None:
    folder = phase_run.folder
    before = done[-1].weights() if done else {}
    title = f"{phase_run.recipe.name} {folder.parent.name}/{folder.name}"
    outcome = phase_run.run(before, on_phase(title))
    process.wait_for_everyone()  # others may still read the checkpoints, which go now
    if process.is_main_process:
        DonePhase.write(folder, outcome, phase_run.sets.digests)
    process.wait_for_everyone()


def _write_variant(
    prepared: PreparedRun, seed: int, phases: list[DonePhase], variant: Path
) -> None:
    """Write what a seed made; the folder takes its name when it is whole."""
    run = prepared.run
    with whole_folder(variant, variant.with_name("writing")) as partial:
        publish(run.recipe, run.base, phases[-1].weights(), partial)
        write_record(run.recipe, seed, phases, prepared.provenance, partial / "training.json")
        draw(run.recipe.name, phases, partial / "curves.svg")
