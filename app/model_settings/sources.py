"""Where models come from: the variables ``XCOPA_MODELS__NAME``."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.model_settings.names import check_name, variable_of

SHIPPED_MODELS = Path(__file__).resolve().parents[2] / "models"

LEFT_OUT = "none"
"""In the place of a source: the model is not served. An empty variable counts as not set."""


def by_lower_case(named: dict[str, Any]) -> dict[str, Any]:
    """Return what has names with the names in lower case.

    Raises:
        ValueError: one of them is no name for a model, or two are the same.
    """
    lowered: dict[str, Any] = {}
    for raw, value in named.items():
        name = check_name(raw.lower())
        if name in lowered:
            raise ValueError(f"{name!r} is there twice; names differ in more than case")
        lowered[name] = value
    return lowered


_CLOSE = 0.9


class ModelSources(BaseModel):
    """Where each model comes from; any name beside those of the fields adds a model."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    direct: str = Field(
        default=str(SHIPPED_MODELS / "direct"),
        description="Hub id (`owner/name` or `owner/name@revision`) or directory of the variant "
        "that is fine-tuned on COPA alone: a checkpoint or a PEFT adapter. `none` leaves the "
        "variant out. The same under another name, such as `XCOPA_MODELS__MNLI`, adds a variant.",
    )
    stilts: str = Field(
        default=str(SHIPPED_MODELS / "stilts"),
        description="The same for the variant that is trained on intermediate tasks first.",
    )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What may not be meant: a name close to one that ships adds a model beside that."""
        unchanged = sorted(ModelSources.model_fields.keys() - self.model_fields_set)
        return tuple(
            f"{variable_of(name)} adds a model beside {shipped}, which is the shipped one; "
            f"{variable_of(shipped)} replaces it"
            for name in self.__pydantic_extra__
            for shipped in difflib.get_close_matches(name, unchanged, 1, _CLOSE)
        )

    @model_validator(mode="before")
    @classmethod
    def _names(cls, named: Any) -> Any:
        if not isinstance(named, dict):
            return named
        for raw, value in named.items():
            if isinstance(value, dict):  # XCOPA_MODELS__A__B, taken apart at its underscores
                wrong = f"{raw}__{next(iter(value), '')}"
                raise ValueError(
                    f"{variable_of(wrong)}: {wrong.lower()!r} is no name for a model; it has no "
                    "two underscores in a row"
                )
        return by_lower_case(named)
