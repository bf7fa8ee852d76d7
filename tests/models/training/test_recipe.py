"""Recipes: the committed ones are valid and tell the same story; wrong ones name the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.training.recipe import RecipeError, load_recipe

RECIPES = Path(__file__).resolve().parents[3] / "models" / "recipes"


def test_stilts_is_direct_with_intermediate_tasks_before_it() -> None:
    direct, stilts = load_recipe(RECIPES / "direct.toml"), load_recipe(RECIPES / "stilts.toml")
    assert len(direct.phases) == 1
    assert stilts.phases[-1:] == direct.phases
    intermediate = {task for phase in stilts.phases[:-1] for task in phase.tasks}
    assert intermediate
    assert not intermediate & {"copa", "balanced-copa"}
    same = {"name", "phases"}
    assert direct.model_dump(exclude=same) == stilts.model_dump(exclude=same)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("epochs = 5", "epochs = 0"), "phases.0.epochs"),
        (("epochs = 5", "epoch = 5"), "phases.0.epoch"),
        (("seeds = [", "sead = ["), "seeds"),
        (("seeds = [1, ", "seeds = [2, "), "each may occur only once"),
        (("rank = 32", "rank = 'many'"), "tuning.lora.rank"),
        (('method = "lora"', 'method = "prefix"'), "tuning"),
        (('keep = "best"', 'keep = "worst"'), "phases.0.keep"),
        (("precision =", "precision = ="), "not TOML"),
        (
            ('validation = ["balanced-copa"]', 'validation = ["xcopa"]'),
            "cannot be used for validation",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["copa/test"]'),
            "cannot be used for validation",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["balanced-copa/train"]'),
            "has items that this or an earlier phase trains on",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["balanced-copa/mirror"]'),
            "has items that this or an earlier phase trains on",
        ),
        (
            ('validation = ["balanced-copa"]', 'validation = ["copa/train"]'),
            "that this or an earlier phase trains on",
        ),
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


def test_a_shared_phase_comes_before_those_of_a_seed(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    text = (RECIPES / "stilts.toml").read_text(encoding="utf-8")
    own_phase_first = text.replace("shared = true\n", "") + "shared = true\n"
    path.write_text(own_phase_first, encoding="utf-8")
    with pytest.raises(RecipeError, match="a shared phase cannot follow"):
        load_recipe(path)


def test_a_missing_recipe_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot read"):
        load_recipe(tmp_path / "none.toml")
