"""Recipes: how a variant is made, as a TOML file that says everything that matters."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.engine.model import EMBEDDED_BASE


class RecipeError(Exception):
    """The recipe cannot be read, or a value of it is not one that it may have."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PromptWords(_Part):
    """The question in words, put before each choice."""

    cause: str
    effect: str


class AdapterShape(_Part):
    """Low-rank updates (Hu et al. 2021, arXiv 2106.09685) of every linear layer."""

    rank: int = Field(gt=0)
    alpha: float = Field(gt=0)


class Stage(_Part):
    """One task of the recipe. English validation accuracy chooses its checkpoint."""

    task: Literal["copa", "ecare"]
    learning_rate: float = Field(gt=0)
    epochs: int = Field(gt=0)
    batch_size: int = Field(gt=0)
    evaluations_per_epoch: int = Field(default=1, gt=0)
    max_items: int | None = Field(default=None, gt=0, description="For trying things out.")


class Recipe(_Part):
    """Base, tasks in order, and every number that training depends on."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    base: str = EMBEDDED_BASE
    seed: int
    precision: Literal["fp32", "bf16"]
    dropout: float = Field(ge=0, lt=1)
    warmup_ratio: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    prompt: PromptWords
    adapter: AdapterShape
    stages: tuple[Stage, ...] = Field(min_length=1)


def load_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: the file is missing, is not TOML, or a field is wrong; names the field.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{path}: {field}: {first['msg']}") from error
