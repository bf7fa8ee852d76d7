"""``XCOPA_MODELS_FILE``: many models in one TOML file.

::

    [models.mnli]
    source = "./mnli"       # from the folder of this file
    weight = 2

    [models.mnli.prompt]
    cause = "Why?"
    effect = "And then?"
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from app.model_settings.sources import ModelSources, by_lower_case

MOST_WEIGHT = 1_000

_OF_ALL: Mapping[int | str, str] = {
    "precision": "XCOPA_PRECISION",
    "device": "XCOPA_DEVICE",
    "linear_kernel": "XCOPA_LINEAR_KERNEL",
    "adapters": "XCOPA_ADAPTERS",
    "batch_tokens": "XCOPA_BATCH_TOKENS",
}
"""Settings that one may look for in the file."""

_BESIDE = ("./", "../")
"""What a source begins with that is taken from the folder of the file."""


class _Table(BaseModel):
    """Unknown keys are errors: a misspelt one would be ignored otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FilePrompt(_Table):
    """How a model is asked; the keys are those of ``xcopa.json``."""

    cause: str
    effect: str
    order: Literal["premise-first", "cause-first"] = "premise-first"


class ModelInFile(_Table):
    """One model; a source may be missing where there is one already."""

    source: Annotated[str, Field(min_length=1)] | None = None
    prompt: FilePrompt | None = None
    weight: Annotated[int, Field(ge=1, le=MOST_WEIGHT)] = 1
    shadow_of: str | None = None
    """Another model, whose items it is asked as well; its answers are only compared."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of these items."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.shadow_of is None) != (self.share is None):
            raise ValueError("shadow_of names a model, and share says how many of its items")
        return self


class _Content(_Table):
    models: dict[str, ModelInFile]

    @field_validator("models", mode="before")
    @classmethod
    def _names(cls, models: Any) -> Any:
        return by_lower_case(models) if isinstance(models, dict) else models


@dataclass(frozen=True)
class ModelsFile:
    """A file that was read, once: what happens to it afterwards changes nothing."""

    path: Path
    models: Mapping[str, ModelInFile]

    @classmethod
    def read(cls, path: Path) -> ModelsFile:
        """Read a file.

        Raises:
            ValueError: it cannot be read, is no TOML, or says what it must not.
        """
        try:
            content = tomllib.loads(path.expanduser().read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not UTF-8: {error.reason}") from error
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path} is no TOML: {error}") from error
        try:
            models = _Content.model_validate(content).models
        except ValidationError as error:
            raise ValueError(f"{path}: {_reason(error)}") from error
        _check_sources(path, models)
        folder = path.expanduser().parent
        return cls(path, {name: _placed(each, folder) for name, each in models.items()})


def read_models_file(given: object) -> object:
    """Read the file that a setting names; what is no path is left to be checked."""
    return ModelsFile.read(Path(given)) if isinstance(given, str | Path) else given


def _check_sources(path: Path, models: Mapping[str, ModelInFile]) -> None:
    for name, each in models.items():
        if each.source is None and name not in ModelSources.model_fields:
            raise ValueError(f"{path}: models.{name} has no source; name a hub id or a directory")


def _placed(model: ModelInFile, folder: Path) -> ModelInFile:
    if model.source is None or not model.source.startswith(_BESIDE):
        return model
    return model.model_copy(update={"source": str((folder / model.source).resolve())})


def _reason(error: ValidationError) -> str:
    """Say in one line what is wrong first, where, and which key may have been meant."""
    found = error.errors()
    # A misspelt key is also a missing one, and what was written says more.
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    *owner, last = first["loc"]
    place = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        return f"{place}: {first['msg']} (got {first['input']!r})"
    if last in _OF_ALL:
        return f"{place} is not set for one model; {_OF_ALL[last]} is that of all"
    keys = _keys(owner)
    [nearest] = difflib.get_close_matches(str(last), keys, 1, cutoff=0.0)
    return f"{place} is not known; the nearest key is {nearest}, of {', '.join(keys)}"


def _keys(owner: list[int | str]) -> list[str]:
    """Return the keys that a table may have, by its place in the file."""
    tables: dict[int, type[BaseModel]] = {0: _Content, 2: ModelInFile, 3: FilePrompt}
    return list(tables[len(owner)].model_fields)
