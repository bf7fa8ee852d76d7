"""The recipes that were judged out of fold differ in what their page says, and in no more."""

from __future__ import annotations

from pathlib import Path

from models.crossvalidation.folds import FOLDS, fold_recipe
from models.training.recipe import load_recipe

FOLDER = Path(__file__).resolve().parents[3] / "models" / "recipes" / "average"
RECIPES = {path.stem: load_recipe(path) for path in sorted(FOLDER.glob("*.toml"))}


def test_all_of_them_can_be_cross_validated() -> None:
    assert set(RECIPES) == {"direct", "stilts", "stilts-full", "stilts-keep"}
    for name, recipe in RECIPES.items():
        assert recipe.name == f"average-{name}"
        for fold in FOLDS:
            fold_recipe(recipe, fold)


def test_both_end_with_the_same_phase() -> None:
    direct, stilts = RECIPES["direct"], RECIPES["stilts"]
    assert (direct.phases, direct.prompt) == (stilts.phases[-1:], stilts.prompt)


def test_the_early_phase_is_the_same_whatever_comes_after_it() -> None:
    early = RECIPES["stilts"].phases[0]
    assert {RECIPES[name].phases[0] for name in ("stilts-full", "stilts-keep")} == {early}
    assert (
        RECIPES["stilts-full"].prompt != RECIPES["stilts"].prompt == RECIPES["stilts-keep"].prompt
    )
