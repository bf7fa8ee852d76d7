"""Recipes that the pages show can be read: a newcomer copies them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.training.recipe import load_recipe

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", ["tutorial.md", "how-to/train.md"])
def test_the_recipe_on_a_page_is_one(page: str, tmp_path: Path) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    (shown,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    path = tmp_path / "my-recipe.toml"
    path.write_text(shown, encoding="utf-8")
    assert load_recipe(path).name == "mine"
