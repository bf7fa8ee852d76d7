"""``xcopa train``: train a variant by a recipe."""

from __future__ import annotations

from pathlib import Path

from app.errors import StartError, wanted_by
from app.settings import Settings
from app.weights.checkpoint import locate
from models.tasks.example import DataError
from models.training import TrainingRun, train, training_progress
from models.training.errors import TrainingError
from models.training.recipe import load_recipe
from xcopa.start import failing_on


def run(
    recipe_file: Path, out: Path, data: Path | None, work: Path | None, settings: Settings
) -> None:
    """Train a variant; an interrupted run resumes.

    Args:
        recipe_file: the recipe, TOML.
        out: where the finished variant is written.
        data: a data directory; None loads the sets from the hub.
        work: checkpoints and logs; ``runs/<recipe name>`` when not given.
        settings: say where the embedded base is kept.
    """
    with failing_on(TrainingError, DataError, StartError):
        recipe = load_recipe(recipe_file)
        with wanted_by(f"{recipe_file}: base"):
            base = locate(recipe.base, settings.cache_dir).full
        training = TrainingRun(recipe, base, data, work or Path("runs") / recipe.name, out)
        with training_progress() as watch:
            train(training, watch)
