"""What goes over the wire of the model repository extension; names are the extension's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_MODELS = 100
_LONGEST_SOURCE = 4_096


class _Received(BaseModel):
    """Fields that are unknown are ignored, as everywhere in the protocol."""

    model_config = ConfigDict(strict=True)


class IndexRequest(_Received):
    """Which models are asked for."""

    ready: bool = Field(default=False, description="Only those that can be asked.")


class IndexEntry(BaseModel):
    """A model that is served, or that can be loaded by its name alone."""

    name: str
    version: str = Field(description="The revision that is served; empty where none is.")
    state: Literal["READY", "LOADING", "UNLOADING", "UNAVAILABLE"]
    reason: str = Field(description="Of the state, such as why it could not be loaded.")


class LoadParameters(_Received):
    """How a model is loaded. Unknown parameters are refused, or they would seem to work."""

    model_config = ConfigDict(strict=True, extra="forbid")

    source: Annotated[str, Field(min_length=1, max_length=_LONGEST_SOURCE)] | None = Field(
        default=None, description="Hub id or directory of this machine; by default that of before."
    )
    also: list[str] = Field(
        default_factory=list,
        max_length=MOST_MODELS,
        description="Other models that are loaded anew with it: those whose files were changed.",
    )

    @model_validator(mode="before")
    @classmethod
    def _no_uploads(cls, given: Any) -> Any:
        brought = (
            [name for name in given if name == "config" or name.startswith("file:")]
            if (isinstance(given, dict))
            else []
        )
        if brought:
            raise ValueError(
                f"{brought[0][:40]!r} is not taken: a model is loaded from where it lies; name its "
                "directory or hub id as source"
            )
        return given


class LoadRequest(_Received):
    """What is to be loaded."""

    parameters: LoadParameters = Field(default_factory=LoadParameters)


class UnloadRequest(_Received):
    """Models depend on no others here, so ``unload_dependents`` changes nothing."""

    parameters: dict[str, Any] = Field(default_factory=dict)
