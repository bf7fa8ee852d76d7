"""``xcopa cross-validate``: trains each fold's models, and asks them for what they have not seen.

Early phases see no item of COPA, so all folds share them. The files of a run:

work/seed-<n>/1-<tasks>/           phases before the last, as ``xcopa train`` has them
work/fold-<k>/seed-<n>/2-<tasks>/  the last phase without a fold
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from accelerate import PartialState

from models.crossvalidation.folds import FOLDS, fold_name, fold_recipe
from models.crossvalidation.outcome import OutOfFold
from models.evaluation.ask.local import Opener
from models.evaluation.ask.predictions import PairLogits
from models.tasks.sets import balanced_copa
from models.training.average import average, reduce_rank
from models.training.done import DonePhase
from models.training.holding import held
from models.training.network import Weights
from models.training.phase import Sets
from models.training.prepare import PreparedRun, TrainingRun, prepare
from models.training.publish import publish
from models.training.recipe import LowRank, Phase, Recipe
from models.training.run import OnPhase, make_way, run_phases

LAST, AVERAGE = "last", "average"


@dataclass(frozen=True)
class _Model:
    """Weights that are asked: of one seed, or the mean of several."""

    name: str
    weights: Weights
    recipe: Recipe
    """With the shape that the weights have."""


def cross_validate(run: TrainingRun, open_variant: Opener, on_phase: OnPhase) -> OutOfFold | None:
    """Train on four folds of five, in turn, and predict the fifth.

    Started by ``accelerate launch``, every process trains; the first of them predicts.

    Args:
        run: of the whole recipe; its ``out`` is not written.
        open_variant: loads a published model.
        on_phase: see ``train``.

    Returns:
        The answers; None in the other processes.

    Raises:
        TrainingError, DataError, StartError: as ``train``.
    """
    process = PartialState(cpu=not torch.cuda.is_available())
    runs = [
        replace(run, recipe=fold_recipe(run.recipe, fold), fold=fold_name(fold)) for fold in FOLDS
    ]
    sets: dict[Phase, Sets] = {}
    parts: list[OutOfFold] = []
    with held(run.work) if process.is_main_process else nullcontext():
        for each in runs:
            prepared = prepare(each, sets)
            sets |= prepared.sets
            make_way(prepared, process)
            seeds = {
                seed: run_phases(prepared, seed, on_phase, process) for seed in run.recipe.seeds
            }
            if process.is_main_process:
                parts.append(_predict(prepared, seeds, open_variant))
    return OutOfFold.joined(parts) if parts else None


def _predict(
    prepared: PreparedRun, seeds: Mapping[int, Sequence[DonePhase]], open_variant: Opener
) -> OutOfFold:
    run = prepared.run
    assert run.fold is not None
    examples = balanced_copa.load(run.data, run.fold)
    items = [example.item for example in examples]
    labels = tuple(example.label for example in examples)
    logits: dict[str, PairLogits] = {}
    for model in _models(prepared, seeds):
        with TemporaryDirectory(dir=run.work, prefix="asked-") as folder:
            publish(model.recipe, run.base, model.weights, Path(folder))
            predictor = open_variant(run.recipe.name, folder)
            logits[model.name] = predictor.logits(items, lambda _: None)
            del predictor
    return OutOfFold(tuple(balanced_copa.numbers(run.fold)), labels, logits)


def _models(prepared: PreparedRun, seeds: Mapping[int, Sequence[DonePhase]]) -> Iterator[_Model]:
    recipe = prepared.run.recipe
    for seed, phases in seeds.items():
        yield _Model(f"seed-{seed}", phases[-1].weights(), recipe)
        yield _Model(f"seed-{seed}/{LAST}", phases[-1].last_weights(), recipe)
    if len(seeds) == 1:
        return
    for name, weights in (
        (AVERAGE, [phases[-1].weights() for phases in seeds.values()]),
        (f"{AVERAGE}/{LAST}", [phases[-1].last_weights() for phases in seeds.values()]),
    ):
        mean, tuning = average(weights, recipe.tuning)
        yield _Model(name, mean, recipe.model_copy(update={"tuning": tuning}))
        if isinstance(tuning, LowRank) and recipe.publish.rank is not None:
            small, shape = reduce_rank(mean, tuning, recipe.publish.rank)
            yield _Model(
                f"{name}/rank-{recipe.publish.rank}",
                small,
                recipe.model_copy(update={"tuning": shape}),
            )
