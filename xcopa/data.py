"""``xcopa data``: check a data directory, and download the sets of the evaluation into it."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from models.tasks.example import DataError
from models.tasks.local_sets import EVALUATION_SETS, check, fetch
from models.training.recipe import load_recipe
from xcopa.start import failing_on, failure

RECIPES = Path(__file__).resolve().parent.parent / "models" / "recipes"


def run_check(data: Path) -> None:
    """Print the state of every set and what each command lacks.

    The command fails if a set of the evaluation is missing or wrong.

    Args:
        data: the data directory.
    """
    if not data.is_dir():
        raise failure(f"{data} is not a directory")
    table = Table("set", "items", "state")
    usable: set[str] = set()
    for state in check(data):
        if state.problem is None:
            usable.add(state.name)
        table.add_row(state.name, f"{state.items:,}", state.problem or "complete")
    console = Console()
    console.print(table)
    for command, needed in _needs().items():
        missing = [name for name in needed if name not in usable]
        console.print(
            f"{command}: {'lacks ' + ', '.join(missing) if missing else 'has all its sets'}"
        )
    if not usable.issuperset(EVALUATION_SETS):
        raise typer.Exit(1)


def run_fetch(out: Path) -> None:
    """Download the sets of the evaluation from the hub into a data directory."""
    with failing_on(DataError, OSError):
        for name, items in fetch(out):
            typer.echo(f"{out / name}: {items} items")


def _needs() -> dict[str, tuple[str, ...]]:
    """Return the sets that each command reads."""
    needed: dict[str, tuple[str, ...]] = {"xcopa evaluate": EVALUATION_SETS}
    for path in sorted(RECIPES.glob("*.toml")):
        recipe = load_recipe(path)
        sets = [(*phase.training_sets, *phase.validation_sets) for phase in recipe.phases]
        tasks = [task for own in sets for task, _ in own]
        needed[f"xcopa train {path.name}"] = tuple(dict.fromkeys(tasks))
    return needed
