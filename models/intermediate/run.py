"""Trains and measures the conditions, one after the other; what is done is not done again.

work/<condition>/seed-<n>/<phase>/   as ``xcopa train`` has them
work/<condition>/                    and what ``kept`` keeps there
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from accelerate import PartialState

from models.evaluation.ask.items import ItemSets
from models.evaluation.ask.local import LocalPredictor, Opener
from models.evaluation.ask.predictions import Predictions, predict_all
from models.evaluation.ask.predictor import Run
from models.intermediate.bars import Watch
from models.intermediate.condition_recipe import check_template, condition_recipe
from models.intermediate.conditions import Condition
from models.intermediate.kept import DoneCondition, PhaseTaken, keep, read
from models.training.cost import phase_cost
from models.training.done import DonePhase
from models.training.holding import held
from models.training.prepare import PreparedRun, TrainingRun, prepare
from models.training.publish import publish
from models.training.recipe import Recipe
from models.training.run import make_way, run_phases


@dataclass(frozen=True)
class Study:
    """What all conditions have in common."""

    template: Recipe
    base: Path
    data: Path | None
    """A data directory; None for the hub."""
    work: Path
    text: Path | None = None
    """The multilingual text that is masked."""
    force: bool = False
    """Whether phases that were made from something else are made anew."""

    def folder(self, condition: Condition) -> Path:
        """Return where everything of a condition lies."""
        return self.work / condition.name

    def training(self, condition: Condition) -> TrainingRun:
        """Return the run of a condition; nothing is published, so its ``out`` is not written."""
        folder = self.folder(condition)
        return TrainingRun(
            condition_recipe(self.template, condition, self.text),
            self.base,
            self.data,
            folder,
            folder / "not-published",
            self.force,
        )


def carry_out(
    study: Study,
    conditions: Sequence[Condition],
    item_sets: ItemSets,
    open_variant: Opener,
    watch: Watch,
) -> Iterator[DoneCondition]:
    """Train and measure conditions, and yield each when it is done.

    Args:
        study: what they have in common.
        conditions: in the order to run them.
        item_sets: what each model is asked.
        open_variant: loads a published model.
        watch: shows how far it is.

    Raises:
        TrainingError, DataError, StartError: as ``train``.
        EvaluationError: a model cannot be asked.
    """
    check_template(study.template)
    with held(study.work):
        for number, condition in enumerate(conditions, start=1):
            prefix = f"{number}/{len(conditions)} {condition.name}"
            prepared = prepare(study.training(condition))
            made_from = _made_from(prepared, item_sets)
            before = read(study.folder(condition))
            if before is None or before.made_from != made_from:
                before = _carry_out(
                    condition, prepared, made_from, item_sets, open_variant, watch.of(prefix)
                )
            yield before


def planned_tokens(study: Study, condition: Condition) -> tuple[int, int]:
    """Count what a condition would train on, and train nothing.

    Returns:
        The tokens of the intermediate phase, and those of the target, of all seeds together.
    """
    prepared = prepare(study.training(condition))
    seeds = prepared.run.recipe.seeds
    runs = {run.folder: run for seed in seeds for run in prepared.phases(seed)}
    target = prepared.run.recipe.phases[-1]
    tokens = {True: 0, False: 0}
    for run in runs.values():
        tokens[run.phase is target] += phase_cost(run, prepared.config).tokens
    return tokens[False], tokens[True]


def _carry_out(
    condition: Condition,
    prepared: PreparedRun,
    made_from: str,
    item_sets: ItemSets,
    open_variant: Opener,
    watch: Watch,
) -> DoneCondition:
    process = PartialState(cpu=not torch.cuda.is_available())
    make_way(prepared, process)
    with watch.training() as on_phase:
        seeds = {
            seed: run_phases(prepared, seed, on_phase, process)
            for seed in prepared.run.recipe.seeds
        }
    predictions = _ask(condition, prepared, seeds, item_sets, open_variant, watch)
    done = DoneCondition(condition, made_from, _taken(seeds.values()))
    keep(prepared.run.work, done, predictions)
    return done


def _ask(
    condition: Condition,
    prepared: PreparedRun,
    seeds: dict[int, list[DonePhase]],
    item_sets: ItemSets,
    open_variant: Opener,
    watch: Watch,
) -> Predictions:
    runs = [
        Run(condition.name, partial(_open, prepared, phases[-1], open_variant), f"seed-{seed}")
        for seed, phases in seeds.items()
    ]
    with watch.measuring(runs, item_sets) as advance:
        predictions, _ = predict_all(runs, item_sets, advance)
    return predictions


def _open(prepared: PreparedRun, phase: DonePhase, open_variant: Opener) -> LocalPredictor:
    """Load a seed as the service would. What was loaded does not need its files any more."""
    run = prepared.run
    with _folder(run.work) as folder:
        publish(run.recipe, run.base, phase.weights(), folder)
        return open_variant(run.recipe.name, str(folder))


@contextmanager
def _folder(work: Path) -> Iterator[Path]:
    with TemporaryDirectory(dir=work, prefix="asked-") as folder:
        yield Path(folder)


def _taken(seeds: Iterable[list[DonePhase]]) -> tuple[PhaseTaken, ...]:
    folders = {phase.folder: phase for phases in seeds for phase in phases}
    return tuple(
        PhaseTaken(
            folder.name,
            int(folder.parent.name.rpartition("-")[2]),
            phase.progress.step,
            phase.progress.tokens,
            phase.progress.wall_seconds,
            phase.progress.cpu_seconds,
        )
        for folder, phase in folders.items()
    )


def _made_from(prepared: PreparedRun, item_sets: ItemSets) -> str:
    recipe = prepared.run.recipe
    models = [prepared.depends_on(recipe.phase_seeds(seed)) for seed in recipe.seeds]
    items = [[asdict(key), asdict(own)] for key, own in item_sets.items()]
    text = json.dumps([models, items], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
