"""The recipes of the prompts that were compared differ in the prompt alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.crossvalidation.folds import FOLDS, fold_recipe
from models.training.recipe import Recipe, load_recipe

FOLDER = Path(__file__).resolve().parents[3] / "models" / "recipes" / "prompts"
RECIPES = {path.stem: load_recipe(path) for path in sorted(FOLDER.glob("*.toml"))}


@pytest.mark.parametrize("name", ["full", "none", "piece", "word"])
def test_training_is_equal_but_for_the_prompt(name: str) -> None:
    assert same(RECIPES[name]) == same(RECIPES["full"])
    assert RECIPES[name].name == f"prompt-{name}"


def same(recipe: Recipe) -> dict[str, object]:
    return recipe.model_dump(exclude={"name", "prompt"})


def test_one_of_them_keeps_the_head_as_well() -> None:
    kept, new = RECIPES["none-keep"], RECIPES["none"]
    assert kept.prompt == new.prompt
    target = kept.phases[-1].model_copy(update={"head": "new"})
    assert (*kept.phases[:-1], target) == new.phases


def test_all_of_them_can_be_cross_validated() -> None:
    assert set(RECIPES) == {"full", "none", "none-keep", "piece", "word"}
    for recipe in RECIPES.values():
        for fold in FOLDS:
            fold_recipe(recipe, fold)
