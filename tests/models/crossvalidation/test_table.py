"""The table of a cross-validation: a row for each model of each recipe."""

from __future__ import annotations

from models.crossvalidation.outcome import figures, mean_of_seeds
from models.crossvalidation.table import folds_table
from models.evaluation.show.numbers import interval, percent
from tests.models.crossvalidation.test_outcome import BOTH, LEFT, answers


def test_every_model_of_every_recipe_has_a_row() -> None:
    table = folds_table({"direct": answers((LEFT,) * 4), "stilts": BOTH})
    assert [row.cells[:2] for row in table.rows] == [
        ("direct", "mean of the seeds"),
        ("direct", "seed-1"),
        ("stilts", "mean of the seeds"),
        ("stilts", "seed-1"),
        ("stilts", "seed-2"),
        ("stilts", "ensemble"),
    ]
    assert {len(row.cells) for row in table.rows} == {len(table.columns)}


def test_a_row_has_the_figures_of_its_model() -> None:
    mean, first, *_ = (
        dict(zip(table.columns, row.cells, strict=True))
        for table in [folds_table({"stilts": BOTH})]
        for row in table.rows
    )
    own = figures(BOTH)[0]
    assert mean["accuracy"] == interval(mean_of_seeds(BOTH))
    assert first["accuracy"] == interval(own.accuracy)
    assert first["twins both right"] == interval(own.both_right)
    assert first["temperature"] == f"{own.temperature:.2f}"
    assert (first["ECE"], first["ECE scaled"]) == (percent(own.ece), percent(own.ece_scaled))
