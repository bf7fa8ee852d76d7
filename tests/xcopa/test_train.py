"""``xcopa train`` says in one line what keeps it from beginning."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from xcopa.main import app

RECIPE = Path(__file__).resolve().parents[2] / "models" / "recipes" / "direct.toml"


def said(recipe: Path, out: Path) -> str:
    result = CliRunner().invoke(app, ["train", str(recipe), "--out", str(out)])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_recipe_that_is_missing_is_named(tmp_path: Path) -> None:
    assert "cannot read the recipe" in said(tmp_path / "none.toml", tmp_path / "out")


def test_a_base_that_is_missing_is_named_with_its_recipe(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    text = 'base = "/no/such/base"\n' + RECIPE.read_text(encoding="utf-8")
    recipe.write_text(text.replace('base = "embedded:multilingual-e5-small"\n', ""), "utf-8")
    assert f"{recipe}: base: '/no/such/base' is not a directory" in said(recipe, tmp_path / "out")
