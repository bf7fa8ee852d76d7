"""``xcopa train``: train a variant by a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from app.errors import StartError, wanted_by
from app.process import quiet_transformers
from app.settings import Settings
from app.weights.checkpoint import locate
from models.tasks.example import DataError
from models.training import TrainingRun, rehearse, train, training_progress
from models.training.errors import TrainingError
from models.training.recipe import load_recipe
from xcopa.start import failing_on


@dataclass(frozen=True)
class WantedTraining:
    """The options of the command."""

    recipe: Path
    """The recipe, TOML."""
    out: Path
    """Where the finished variant is written."""
    data: Path | None
    """A data directory; None loads the sets from the hub."""
    work: Path | None
    """Checkpoints and logs; ``runs/<recipe name>`` when not given."""
    force: bool = False
    dry_run: bool = False


def run(wanted: WantedTraining, settings: Settings) -> None:
    """Train a variant; an interrupted run resumes.

    Args:
        wanted: the command's options.
        settings: say where the embedded base is kept.
    """
    with failing_on(TrainingError, DataError, StartError, OSError):
        training = _training_run(wanted, settings)
        if wanted.dry_run:
            quiet_transformers()
            for line in rehearse(training):
                typer.echo(line)
            typer.echo("nothing was trained or written")
            return
        with training_progress() as watch:
            train(training, watch)
    typer.echo(f"wrote {wanted.out}")


def _training_run(wanted: WantedTraining, settings: Settings) -> TrainingRun:
    recipe = load_recipe(wanted.recipe)
    with wanted_by(f"{wanted.recipe}: base"):
        found = locate(recipe.base, settings.cache_dir)
        if found.adapter is not None:
            raise StartError(
                f"{recipe.base!r} is an adapter on {found.full}, and training would leave it out; "
                "name a full checkpoint (xcopa export makes one of an adapter)"
            )
    work = wanted.work or Path("runs") / recipe.name
    return TrainingRun(recipe, found.full, wanted.data, work, wanted.out, wanted.force)
