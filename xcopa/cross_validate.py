"""``xcopa cross-validate``: a recipe on items of COPA that its models did not see."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console

from app.errors import StartError
from app.settings import Settings
from models.crossvalidation.outcome import OutOfFold, figures, mean_of_seeds
from models.crossvalidation.run import cross_validate
from models.crossvalidation.table import folds_table
from models.evaluation.ask.local import opener
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.show.console import print_table
from models.tasks.example import DataError
from models.training import training_progress
from models.training.errors import TrainingError
from models.training.recipe import load_recipe
from xcopa.start import failing_on
from xcopa.train import WantedTraining, training_run


def run(wanted: WantedTraining, settings: Settings) -> None:
    """Cross-validate a recipe; an interrupted run resumes.

    Args:
        wanted: the command's options; ``out`` is the folder of the figures.
        settings: say where the embedded base is kept, and how to compute.
    """
    with failing_on(TrainingError, DataError, EvaluationError, StartError, OSError):
        recipe = load_recipe(wanted.recipe)
        training = training_run(wanted, recipe, recipe.base, settings)
        wanted.out.mkdir(parents=True, exist_ok=True)
        with training_progress() as watch:
            found = cross_validate(training, opener(settings), watch)
        if found is None:
            return
        found.save(wanted.out / "predictions.jsonl")
        _write(recipe.model_dump(mode="json"), found, wanted.out / "cross-validation.json")
    print_table(folds_table({recipe.name: found}), Console())
    typer.echo(f"wrote {wanted.out}")


def _write(recipe: dict[str, object], found: OutOfFold, path: Path) -> None:
    content = {
        "recipe": recipe,
        "mean_of_seeds": asdict(mean_of_seeds(found)),
        "models": [asdict(each) for each in figures(found)],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
