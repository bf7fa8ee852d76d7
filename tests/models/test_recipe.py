"""Recipes: the committed ones are valid and tell the same story; wrong ones name the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.recipe import RecipeError, load_recipe

RECIPES = Path(__file__).resolve().parents[2] / "models" / "recipes"


def test_stilts_is_direct_with_an_intermediate_task_before_it() -> None:
    direct, stilts = load_recipe(RECIPES / "direct.toml"), load_recipe(RECIPES / "stilts.toml")
    assert stilts.stages[-1:] == direct.stages
    assert [stage.task for stage in stilts.stages] == ["ecare", "copa"]
    same = {"name": True, "stages": True}
    assert direct.model_dump(exclude=same) == stilts.model_dump(exclude=same)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("epochs = 5", "epochs = 0"), "stages.0.epochs"),
        (('task = "copa"', 'task = "xcopa"'), "stages.0.task"),
        (("seed = 1", "sead = 1"), "seed"),
        (("rank = 32", "rank = 'many'"), "adapter.rank"),
        (("seed = 1", "seed = = 1"), "not TOML"),
    ],
)
def test_a_wrong_recipe_names_the_field(
    tmp_path: Path, change: tuple[str, str], field: str
) -> None:
    text = (RECIPES / "direct.toml").read_text(encoding="utf-8")
    assert change[0] in text
    path = tmp_path / "wrong.toml"
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(RecipeError, match=field):
        load_recipe(path)


def test_a_missing_recipe_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot read"):
        load_recipe(tmp_path / "none.toml")
