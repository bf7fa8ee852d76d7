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

from app.engine.prompt import Prompt, TextOrder
from app.weights.embedded import EMBEDDED_BASE
from models.training.errors import TrainingError

_FAMILIES = {"balanced-copa": "copa"}
"""Sets that share items with another one."""

_TEST = "test"

_MOST_SEED = 2**32
"""numpy takes no larger one."""


class RecipeError(TrainingError):
    """The recipe cannot be read, or a value of it is not one that it may have."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PromptWords(_Part):
    """How a question is put; see ``app.engine.prompt``."""

    cause: str
    effect: str
    order: TextOrder = "premise-first"


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

    tasks: tuple[str, ...] = Field(
        min_length=1, description="Sets, as TASK (its split train) or TASK/SPLIT."
    )
    learning_rate: float = Field(gt=0)
    epochs: float | None = Field(
        default=None, gt=0, description="Passes over the (capped) sets; or else steps."
    )
    steps: int | None = Field(
        default=None,
        gt=0,
        description="Steps of the optimiser in a single process, masked text included; several "
        "processes divide the batches of so many, and take fewer.",
    )
    batch_tokens: int = Field(gt=0, description="Tokens in a batch, at most.")
    accumulation: int = Field(default=1, gt=0, description="Batches a step of the optimiser.")
    size_cap: int | None = Field(
        default=None, gt=0, description="A set counts as no larger than this when tasks are mixed."
    )
    max_items: int | None = Field(default=None, gt=0, description="Of each set; to try things out.")
    max_tokens: int = Field(default=128, ge=16, description="Longer contexts lose their beginning.")
    masked_text: MaskedText | None = None
    validation: tuple[str, ...] = Field(
        default=(),
        description="English sets, as TASK (its split val) or TASK/SPLIT; their mean chooses.",
    )
    evaluations: int = Field(gt=0, description="At equal distances; checkpoints are made there.")
    keep: Keep = Keep.BEST
    head: Literal["new", "keep"] = Field(
        default="new", description="Whether the phase before hands its head on, if it fits."
    )
    runs: int | None = Field(
        default=None,
        gt=0,
        description="How often the phase is run, with the first seeds; the seeds take turns at "
        "what it made. Without, each seed runs its own.",
    )

    @property
    def training_sets(self) -> tuple[tuple[str, str], ...]:
        """What is trained on, as task and split."""
        return _sets(self.tasks, "train")

    @property
    def validation_sets(self) -> tuple[tuple[str, str], ...]:
        """The validation sets as task and split."""
        return _sets(self.validation, "val")

    @model_validator(mode="after")
    def _has_one_length(self) -> Phase:
        if (self.epochs is None) == (self.steps is None):
            given = "neither" if self.epochs is None else "both"
            raise ValueError(f"epochs, steps: a phase has exactly one of the two, here {given}")
        return self

    @model_validator(mode="after")
    def _leaves_the_tests_alone(self) -> Phase:
        for task, split in self.training_sets:
            if split == _TEST:
                raise ValueError(f"tasks: {task}/test is a test split, so nothing may learn it")
        for task, split in self.validation_sets:
            if task == "xcopa":
                raise ValueError(
                    "validation: xcopa is what models are measured on, so it cannot be used for "
                    "validation"
                )
            if split == _TEST:
                raise ValueError(
                    f"validation: {task}/test is a test split, so it cannot be used for validation"
                )
        return self

    @model_validator(mode="after")
    def _has_what_chooses(self) -> Phase:
        if self.keep is Keep.BEST and not self.validation:
            raise ValueError(
                'validation: keep = "best" chooses by it; name a set, or keep "last" or "average"'
            )
        names = [task for task, _ in self.training_sets]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"tasks: {twice} may occur only once")
        return self


def _sets(names: Sequence[str], split: str) -> tuple[tuple[str, str], ...]:
    parts = (name.partition("/") for name in names)
    return tuple((task, own or split) for task, _, own in parts)


class Publish(_Part):
    """What the seeds become."""

    what: Literal["best", "average"] = Field(
        default="best",
        description="The seed with the best validation of its last phase, or the mean of all "
        "seeds' weights.",
    )
    rank: int | None = Field(
        default=None,
        gt=0,
        description="Of an averaged adapter, which else has the ranks of all seeds together.",
    )
    temperature: float = Field(
        default=1.0, gt=0, description="What logits are divided by to give probabilities."
    )


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
    start: int | None = Field(
        default=None,
        ge=0,
        lt=_MOST_SEED,
        description="Draws new heads and adapters, the same for all seeds, as averaging needs. "
        "Without, each seed draws its own.",
    )
    prompt: PromptWords
    tuning: Annotated[LowRank | Full, Field(discriminator="method")]
    phases: tuple[Phase, ...] = Field(min_length=1)
    publish: Publish = Publish()

    @model_validator(mode="after")
    def _seeds_fit(self) -> Recipe:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds: each may occur only once")
        runs = [phase.runs or len(self.seeds) for phase in self.phases]
        for number, own in enumerate(runs):
            if own > len(self.seeds):
                raise ValueError(f"phases.{number}.runs: there are {len(self.seeds)} seeds")
            if number and own < runs[number - 1]:
                raise ValueError(
                    f"phases.{number}.runs: a phase cannot run less often than the one before it"
                )
            if number and own % runs[number - 1] and own != len(self.seeds):
                raise ValueError(
                    f"phases.{number}.runs: {own} runs cannot take turns at {runs[number - 1]}"
                )
        return self

    @model_validator(mode="after")
    def _can_be_published(self) -> Recipe:
        if self.publish.what == "best":
            if len(self.seeds) > 1 and not self.phases[-1].validation:
                raise ValueError(
                    'publish.what: "best" of several seeds is chosen by the validation of the '
                    'last phase, which has none; name a set, or publish "average"'
                )
        elif self.start is None and len(self.seeds) > 1:
            raise ValueError(
                'publish.what: "average" needs start, since weights that began apart have no '
                "useful mean"
            )
        if self.publish.rank is not None and not (
            self.publish.what == "average" and isinstance(self.tuning, LowRank)
        ):
            raise ValueError("publish.rank: is of an averaged adapter alone")
        return self

    def phase_seeds(self, seed: int) -> tuple[int, ...]:
        """Return which seed's run of each phase a seed goes through; of the last, often its own."""
        place = self.seeds.index(seed)
        return tuple(self.seeds[place % (phase.runs or len(self.seeds))] for phase in self.phases)

    @model_validator(mode="after")
    def _validates_on_what_it_has_not_seen(self) -> Recipe:
        trained: list[tuple[str, str]] = []
        for number, phase in enumerate(self.phases):
            trained += phase.training_sets
            for task, split in phase.validation_sets:
                for own, part in trained:
                    if _family(own) == _family(task) and not _are_apart(part, split):
                        raise ValueError(
                            f"phases.{number}.validation: {task}/{split} is not known to be apart "
                            f"from {own}/{part}, which this or an earlier phase trains on"
                        )
        return self


def prompt_of(recipe: Recipe) -> Prompt:
    """Return how the variant of a recipe is asked."""
    return Prompt(recipe.prompt.cause, recipe.prompt.effect, recipe.prompt.order)


def _family(task: str) -> str:
    return _FAMILIES.get(task, task)


def _are_apart(trained: str, split: str) -> bool:
    """Whether no item is in both splits, also where two sets of a family have them."""
    return (trained, split) == ("train", "val") or trained == f"but-{split}"


_PARTS: dict[str, type[_Part]] = {
    "": Recipe,
    "prompt": PromptWords,
    "lora": LowRank,
    "full": Full,
    "phases": Phase,
    "masked_text": MaskedText,
    "publish": Publish,
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
