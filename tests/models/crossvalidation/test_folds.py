"""The recipe of a fold is the whole one without what the fold holds out."""

from __future__ import annotations

import re

import pytest

from models.crossvalidation.folds import FOLDS, fold_recipe
from models.training.recipe import Recipe, RecipeError
from tests.models.training.networks import phase, recipe

TARGET = {"tasks": ("balanced-copa/all",), "validation": (), "keep": "average"}


def whole(**changes: object) -> Recipe:
    early = phase(tasks=("ecare",), validation=("balanced-copa/all",), keep="last")
    return recipe(seeds=(1, 2), start=1, phases=(early, phase(**TARGET)), **changes)


def with_target(**changes: object) -> Recipe:
    return recipe(phases=(phase(**{**TARGET, **changes}),))


def test_a_fold_is_left_out_of_the_last_phase_alone() -> None:
    made = whole(publish={"what": "average"})
    folds = [fold_recipe(made, fold) for fold in FOLDS]
    assert [each.phases[1].training_sets for each in folds] == [
        (("balanced-copa", f"but-fold-{fold}"),) for fold in (1, 2, 3, 4, 5)
    ]
    for each in folds:
        assert each.phases[0] == made.phases[0]
        assert each.model_copy(update={"phases": made.phases}) == made


@pytest.mark.parametrize(
    "changes",
    [
        {"tasks": ("balanced-copa",)},
        {"tasks": ("copa/all",)},
        {"tasks": ("balanced-copa/all", "ecare")},
    ],
)
def test_a_target_without_folds_is_refused(changes: dict[str, object]) -> None:
    refused = 'phases.0.tasks: a cross-validation needs ["balanced-copa/all"], whose folds it '
    with pytest.raises(RecipeError, match=re.escape(refused)):
        fold_recipe(with_target(**changes), 1)


def test_a_phase_that_chooses_by_items_of_copa_is_refused() -> None:
    """It would have seen the labels that it is measured by."""
    early = phase(tasks=("ecare",), validation=("copa",), keep="best")
    made = recipe(phases=(early, phase(**TARGET)))
    refused = "phases.0.validation: it chooses by items of COPA that a fold holds out; "
    with pytest.raises(RecipeError, match=re.escape(refused)):
        fold_recipe(made, 1)
