"""``xcopa train``: train a variant by a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from app.errors import StartError, wanted_by
from app.process import quiet_transformers
from app.settings import Settings
from app.weights.checkpoint import directory_here, locate
from models.tasks.example import DataError
from models.training import TrainingRun, rehearse, train, training_progress
from models.training.errors import TrainingError
from models.training.outline import Folders, absent_sets, outline, stand_in
from models.training.recipe import Recipe, load_recipe
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
        recipe = load_recipe(wanted.recipe)
        if wanted.dry_run:
            quiet_transformers()
            for line in _plan(wanted, recipe, settings):
                typer.echo(line)
            typer.echo("nothing was fetched, trained or written")
            return
        training = training_run(wanted, recipe, recipe.base, settings)
        with training_progress() as watch:
            train(training, watch)
    typer.echo(f"wrote {wanted.out}")


def _plan(wanted: WantedTraining, recipe: Recipe, settings: Settings) -> Iterator[str]:
    """Say what a run would do. Where parts are still to be fetched, say what is known without."""
    with wanted_by(f"{wanted.recipe}: base"):
        base = directory_here(recipe.base, settings.cache_dir)
    absent = absent_sets(recipe, wanted.data)
    # What is here is looked at where it lies: the hub may have another revision by now.
    training = base and training_run(wanted, recipe, str(base), settings)
    if training and not absent:
        yield from rehearse(training)
        return
    folders = Folders(wanted.data, _work(wanted, recipe), wanted.out)
    known = stand_in(recipe.base, training.base if training else None, settings.cache_dir)
    yield from outline(recipe, known, folders, absent)


def _work(wanted: WantedTraining, recipe: Recipe) -> Path:
    return wanted.work or Path("runs") / recipe.name


def training_run(
    wanted: WantedTraining, recipe: Recipe, base: str, settings: Settings
) -> TrainingRun:
    """Look for the base of a run.

    Args:
        wanted: the command's options.
        recipe: as it was read.
        base: where its base is looked for.
        settings: as of ``run``.
    """
    with wanted_by(f"{wanted.recipe}: base"):
        found = locate(base, settings.cache_dir)
        if found.adapter is not None:
            raise StartError(
                f"{recipe.base!r} is an adapter on {found.full}, and training would leave it out; "
                "name a full checkpoint (xcopa export makes one of an adapter)"
            )
    work = _work(wanted, recipe)
    return TrainingRun(recipe, found.full, wanted.data, work, wanted.out, wanted.force)
