"""The figures of a cross-validation as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from models.crossvalidation.outcome import ModelFigures, OutOfFold, figures, mean_of_seeds
from models.evaluation.show.numbers import NONE, interval, percent
from models.evaluation.show.tables import Table, TableRow

_COLUMNS = (
    *("recipe", "model", "accuracy", "twins both right"),
    *("temperature", "ECE", "ECE scaled"),
)


def folds_table(recipes: Mapping[str, OutOfFold]) -> Table:
    """Return the figures of recipes: each seed, ways to average them, and their ensemble.

    Args:
        recipes: answers out of fold, by the name of a recipe.
    """
    return Table(
        "COPA 1-500 and their mirrors, each out of fold, in %",
        _COLUMNS,
        tuple(row for name, answers in recipes.items() for row in _rows(name, answers)),
        "1,000 answers to items that no model had trained on, with intervals that resample pairs "
        "of twins. A seed is the average within its run; last: its weights after the last step "
        "instead; average: of the seeds' weights; ensemble: of their logits. ECE scaled: with the "
        "temperature beside it, which these answers gave.",
    )


def _rows(recipe: str, answers: OutOfFold) -> Iterator[TableRow]:
    mean = interval(mean_of_seeds(answers))
    yield TableRow((recipe, "mean of the seeds", mean, NONE, NONE, NONE, NONE))
    yield from (_row(recipe, each) for each in figures(answers))


def _row(recipe: str, model: ModelFigures) -> TableRow:
    return TableRow(
        (
            recipe,
            model.name,
            interval(model.accuracy),
            interval(model.both_right),
            f"{model.temperature:.2f}",
            percent(model.ece),
            percent(model.ece_scaled),
        )
    )
