"""How many replicas there are, and when there should be more or fewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import StartError


class ScaleOptions(BaseModel):
    """The arguments of the application, as a Serve config gives them under ``args``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    replicas: int = Field(default=1, ge=1, description="Replicas at least.")
    max_replicas: int | None = Field(
        default=None, ge=1, description="Replicas at most; by default as many as at least."
    )
    cores: float | None = Field(
        default=None,
        gt=0,
        description="Processors that a replica reserves. By default XCOPA_THREADS, else those of "
        "the smallest node; with a GPU two.",
    )
    target_busy: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Share of the time for which the engines of a replica should be at work.",
    )
    drain_queue_s: float = Field(
        default=10.0,
        gt=0,
        description="Seconds in which added replicas should work off what waits.",
    )
    upscale_delay_s: float = Field(
        default=5.0, ge=0, description="How long more replicas must be wanted until they start."
    )
    downscale_delay_s: float = Field(
        default=120.0, ge=0, description="How long fewer must be wanted until one is stopped."
    )
    look_back_s: float = Field(
        default=15.0,
        gt=10,
        description="Seconds over which figures are averaged; replicas send them every 10 s.",
    )

    @model_validator(mode="after")
    def _least_and_most(self) -> ScaleOptions:
        if self.most < self.replicas:
            raise ValueError(
                f"max_replicas is {self.max_replicas}, fewer than replicas ({self.replicas})"
            )
        return self

    @property
    def most(self) -> int:
        """Replicas at most."""
        return self.replicas if self.max_replicas is None else self.max_replicas

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> ScaleOptions:
        """Read the arguments of an application.

        Raises:
            StartError: one is unknown or wrong; the message names it.
        """
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "args"
            known = ", ".join(cls.model_fields)
            hint = f"; there are {known}" if first["type"] == "extra_forbidden" else ""
            raise StartError(f"{name}: {first['msg']}{hint}") from error
