"""``xcopa train``: trains a variant by a recipe, phase by phase and seed by seed.

A run that was killed resumes. Its files:

work/seed-<n>/1-<tasks>/    a phase of one seed: checkpoints, then ``done/``
work/seed-<n>/variant/      the result of that seed, in the format that the service loads
out/                        the variant of the best seed by English validation, or of their mean
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate import PartialState

from app.engine.bf16_gain import bf16_gain
from models.training import stale
from models.training.average import average, reduce_rank
from models.training.curves import draw
from models.training.done import DonePhase
from models.training.durable import whole_folder, writing
from models.training.holding import held
from models.training.identity import DependsOn, write_marker
from models.training.loop import OnStep
from models.training.network import Weights
from models.training.output import put_out
from models.training.phase import PhaseRun
from models.training.prepare import PreparedRun, TrainingRun, check_room, prepare
from models.training.publish import publish
from models.training.recipe import LowRank, Recipe
from models.training.record import write_record

log = logging.getLogger(__name__)

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
    if process.is_main_process:
        _warn_of_slow_products(run.recipe)
    with held(run.work) if process.is_main_process else nullcontext():
        make_way(prepared, process)
        seeds = {seed: run_phases(prepared, seed, on_phase, process) for seed in run.recipe.seeds}
        if process.is_main_process:
            for seed, phases in seeds.items():
                folder = run.work / f"seed-{seed}" / "variant"
                write_variant(prepared, {seed: phases}, run.recipe, phases[-1].weights(), folder)
            put_out(_published(prepared, seeds), run.out)


def _warn_of_slow_products(recipe: Recipe) -> None:
    """Say where the recipe's numbers are slower than exact ones; they are part of its identity."""
    if recipe.precision != "bf16" or torch.cuda.is_available() or (gain := bf16_gain()) >= 1:
        return
    log.warning(
        "products in bf16 take %.1f times as long as in fp32 on this processor: "
        'precision = "fp32" in the recipe is faster here',
        1 / gain,
    )


def _published(prepared: PreparedRun, seeds: Mapping[int, Sequence[DonePhase]]) -> Path:
    """Return the folder of what the recipe publishes, which may have to be made."""
    run = prepared.run
    if run.recipe.publish.what == "best":
        best = max(seeds, key=lambda seed: _score(seeds[seed]))
        return run.work / f"seed-{best}" / "variant"
    weights, tuning = average(
        [phases[-1].weights() for phases in seeds.values()], run.recipe.tuning
    )
    if run.recipe.publish.rank is not None:
        assert isinstance(tuning, LowRank)
        weights, tuning = reduce_rank(weights, tuning, run.recipe.publish.rank)
    recipe = run.recipe.model_copy(update={"tuning": tuning})
    folder = run.work / "average" / "variant"
    write_variant(prepared, seeds, recipe, weights, folder)
    return folder


def _score(phases: Sequence[DonePhase]) -> float:
    chosen = phases[-1].chosen
    return chosen.mean if chosen.accuracy else 0.0  # of a single seed, which has no rival


def make_way(prepared: PreparedRun, process: PartialState) -> None:
    """Refuse, or remove, what other runs left in the work folder."""
    found = stale.stale_phases(prepared)
    if not prepared.run.force:
        stale.refuse(prepared, found)
    process.wait_for_everyone()  # all must have looked before one removes
    if process.is_main_process:
        stale.remove(found)
        check_room(prepared)
    process.wait_for_everyone()


def run_phases(
    prepared: PreparedRun, seed: int, on_phase: OnPhase, process: PartialState
) -> list[DonePhase]:
    """Run the phases of a seed that are not done yet; every process calls this."""
    done: list[DonePhase] = []
    for number, phase_run in enumerate(prepared.phases(seed), start=1):
        folder = phase_run.folder
        if process.is_main_process:
            _begin(folder, prepared.depends_on(prepared.run.recipe.phase_seeds(seed)[:number]))
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


def write_variant(
    prepared: PreparedRun,
    seeds: Mapping[int, Sequence[DonePhase]],
    recipe: Recipe,
    weights: Weights,
    variant: Path,
) -> None:
    """Write what one or several seeds made; the folder takes its name when it is whole.

    Args:
        prepared: the run.
        seeds: the phases of each.
        recipe: of the run, or with the shape that the mean of several seeds has.
        weights: what is published.
        variant: the folder.
    """
    phases = next(iter(seeds.values()))
    with writing(variant.parent):
        variant.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(variant, variant.with_name("writing")) as partial:
        publish(recipe, prepared.run.base, weights, partial)
        write_record(prepared.run.recipe, seeds, prepared.provenance, partial / "training.json")
        draw(recipe.name, phases, partial / "curves.svg")
