"""Recipes: everything that the training of a variant depends on, as a TOML file."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from app.weights.embedded import EMBEDDED_BASE
from models.training.errors import TrainingError

_FAMILIES = {"balanced-copa": "copa"}
"""Sets that share items with another one."""

_TRAINED_SPLITS = ("train", "mirror")
"""Those that have items of a training split."""

_MOST_SEED = 2**32
"""numpy takes no larger one."""


class RecipeError(TrainingError):
    """The recipe cannot be read, or a value of it is not one that it may have."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PromptWords(_Part):
    """The question in words, put before each choice."""

    cause: str
    effect: str


class LowRank(_Part):
    """Low-rank updates (Hu et al. 2021, arXiv 2106.09685) of every linear layer."""

    method: Literal["lora"] = "lora"
    rank: int = Field(gt=0)
    alpha: float = Field(gt=0)


class Full(_Part):
    """Every weight of the encoder is trained."""

    method: Literal["full"] = "full"
    embeddings: bool = Field(
        default=False,
        description="Train the embeddings too. Frozen, they stay the same for all languages.",
    )


class Keep(StrEnum):
    """Which weights of a phase the next one starts from."""

    BEST = "best"
    """Those of the evaluation with the best validation accuracy; of equals, the earliest."""
    LAST = "last"
    AVERAGE = "average"
    """The mean over the phase's evaluations (Schmidt et al. 2023, arXiv 2305.16834)."""


class MaskedText(_Part):
    """Masked language modelling in addition to the tasks (Phang et al. 2020, section 2)."""

    files: tuple[Path, ...] = Field(min_length=1, description="UTF-8 text, a passage a line.")
    share: float = Field(gt=0, lt=1, description="Of the phase's batches.")


class Phase(_Part):
    """One part of the training: the encoder comes from the phase before it."""

    tasks: tuple[str, ...] = Field(min_length=1)
    learning_rate: float = Field(gt=0)
    epochs: float = Field(gt=0, description="Passes over the (capped) sets.")
    batch_tokens: int = Field(gt=0, description="Tokens in a batch, at most.")
    accumulation: int = Field(default=1, gt=0, description="Batches a step of the optimiser.")
    size_cap: int | None = Field(
        default=None, gt=0, description="A set counts as no larger than this when tasks are mixed."
    )
    max_items: int | None = Field(default=None, gt=0, description="Of each set; to try things out.")
    max_tokens: int = Field(default=128, ge=16, description="Longer contexts lose their beginning.")
    masked_text: MaskedText | None = None
    validation: tuple[str, ...] = Field(
        min_length=1,
        description="English sets, as TASK (its split val) or TASK/SPLIT; their mean chooses.",
    )
    evaluations: int = Field(gt=0, description="At equal distances; checkpoints are made there.")
    keep: Keep = Keep.BEST
    head: Literal["new", "keep"] = Field(
        default="new", description="Whether the phase before hands its head on, if it fits."
    )
    shared: bool = Field(default=False, description="Run once, with the first seed, for all seeds.")

    @property
    def validation_sets(self) -> tuple[tuple[str, str], ...]:
        """The validation sets as task and split."""
        parts = (name.partition("/") for name in self.validation)
        return tuple((task, split or "val") for task, _, split in parts)

    @model_validator(mode="after")
    def _is_not_chosen_by_a_test(self) -> Phase:
        for task, split in self.validation_sets:
            if task == "xcopa":
                raise ValueError(
                    "validation: xcopa is what models are measured on, so it cannot be used for "
                    "validation"
                )
            if split == "test":
                raise ValueError(
                    f"validation: {task}/test is a test split, so it cannot be used for validation"
                )
        return self


class Recipe(_Part):
    """Base, phases in order, and every number that training depends on."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    base: str = EMBEDDED_BASE
    seeds: tuple[Annotated[int, Field(ge=0, lt=_MOST_SEED)], ...] = Field(min_length=1)
    precision: Literal["fp32", "bf16"]
    dropout: float = Field(ge=0, lt=1)
    warmup_ratio: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    prompt: PromptWords
    tuning: Annotated[LowRank | Full, Field(discriminator="method")]
    phases: tuple[Phase, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _shared_come_first(self) -> Recipe:
        shared = [phase.shared for phase in self.phases]
        if shared != sorted(shared, reverse=True):
            raise ValueError("phases: a shared phase cannot follow one that each seed has its own")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds: each may occur only once")
        return self

    @model_validator(mode="after")
    def _validates_on_what_it_has_not_seen(self) -> Recipe:
        trained: set[str] = set()
        for number, phase in enumerate(self.phases):
            trained |= {_FAMILIES.get(task, task) for task in phase.tasks}
            for task, split in phase.validation_sets:
                if split != "val" and _FAMILIES.get(task, task) in trained:
                    raise ValueError(f"phases.{number}.validation: {_why_not(task, split)}")
        return self


def _why_not(task: str, split: str) -> str:
    if split in _TRAINED_SPLITS:
        return f"{task}/{split} has items that this or an earlier phase trains on"
    return (
        f"{task} has no split {split!r} that is known to be apart from what this or an earlier "
        "phase trains on; its split val is"
    )


_PARTS: dict[str, type[_Part]] = {
    "": Recipe,
    "prompt": PromptWords,
    "lora": LowRank,
    "full": Full,
    "phases": Phase,
    "masked_text": MaskedText,
}
"""By the name that leads to it; of ``tuning``, by its method."""


def load_recipe(path: Path) -> Recipe:
    """Read a recipe. Relative paths in it begin at the current directory; what is read has none.

    Raises:
        RecipeError: the file is missing, is not TOML, or a field is wrong; names the field.
    """
    try:
        # Some editors put a byte order mark in front, which is no TOML.
        text = path.read_bytes().decode("utf-8-sig")
        return _with_absolute_paths(Recipe.model_validate(tomllib.loads(text)))
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not UTF-8, which TOML is: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        raise RecipeError(f"{path}: {_explained(error.errors())}") from error


def _explained(errors: Sequence[ErrorDetails]) -> str:
    """Say the first fault; a misspelt key comes before the key that is missing because of it."""
    first = min(errors, key=lambda error: error["type"] != "extra_forbidden")
    *parents, name = first["loc"] or ("",)
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        part = next((each for each in reversed(parents) if isinstance(each, str)), "")
        [nearest] = difflib.get_close_matches(str(name), _PARTS[part].model_fields, 1, cutoff=0.0)
        return f"{field} is no field of a recipe; the nearest is {nearest}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def _with_absolute_paths(recipe: Recipe) -> Recipe:
    """Have what is written name the same files wherever it is read."""
    base = Path(os.path.expanduser(recipe.base))  # noqa: PTH111 - the other raises
    phases = tuple(_with_absolute_texts(phase) for phase in recipe.phases)
    named = str(base.absolute()) if base.is_dir() else recipe.base
    return recipe.model_copy(update={"base": named, "phases": phases})


def _with_absolute_texts(phase: Phase) -> Phase:
    if phase.masked_text is None:
        return phase
    files = tuple(file.absolute() for file in phase.masked_text.files)
    text = phase.masked_text.model_copy(update={"files": files})
    return phase.model_copy(update={"masked_text": text})
