"""Every knob of the service, typed and described. Environment variables, prefix ``XCOPA_``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app import environment

SHIPPED_MODELS = Path(__file__).resolve().parent.parent / "models"

PositiveInt = Annotated[int, Field(gt=0)]

DIRECT, STILTS = "direct", "stilts"
VARIANTS = (DIRECT, STILTS)
"""The names of the two variants: the fields of ``ModelSources``."""


class ModelSources(BaseModel):
    """Where each variant comes from."""

    model_config = ConfigDict(extra="forbid")

    direct: str = Field(
        default=str(SHIPPED_MODELS / "direct"),
        description="Hub id (`owner/name` or `owner/name@revision`) or directory of the variant "
        "fine-tuned straight on COPA: a checkpoint or a PEFT adapter.",
    )
    stilts: str = Field(
        default=str(SHIPPED_MODELS / "stilts"),
        description="The same, of the variant trained on intermediate tasks first.",
    )


class _Environment(EnvSettingsSource):
    """The variables, sorted out as ``app.environment`` says."""

    def __init__(self, settings: type[BaseSettings]) -> None:
        super().__init__(settings)
        self.env_vars = environment.read(os.environ, variables()).values


class Settings(BaseSettings):
    """The service's configuration."""

    model_config = SettingsConfigDict(
        env_prefix=environment.PREFIX, env_nested_delimiter=environment.NESTED, extra="ignore"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours stands in for it
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls), dotenv_settings, file_secret_settings

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 picks one.")
    models: ModelSources = Field(
        default_factory=ModelSources, description="The two variants: `direct` and `stilts`."
    )
    default_model: Literal["direct", "stilts"] = Field(
        default="stilts",
        description="The variant that answers when a request names none.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("xcopa")),
        description="Where the embedded base is assembled and kept.",
    )
    threads: PositiveInt | None = Field(
        default=None,
        description="Threads of a forward pass; by default the CPU quota (cgroup or affinity).",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="cpu",
        description="Where the models compute; `auto` is CUDA where torch finds it. CUDA has not "
        "been tried on a GPU yet.",
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="fp32",
        description="Numbers the models compute in: `fp32` is exact; `bf16` is faster and needs "
        "hardware that has it; `auto` is bf16 where the hardware has it.",
    )
    tokeniser_threads: PositiveInt = Field(
        default=2, description="Threads that turn text to token ids, beside the event loop."
    )
    batch_tokens: PositiveInt | None = Field(
        default=None,
        description="Token budget of a batch; by default the smallest that reaches 95 % of the "
        "best token rate, measured for each model at the start.",
    )
    queue_seconds: float = Field(
        default=10.0,
        gt=0,
        le=3_600,
        description="Estimated work that may wait, over both models; beyond it a call is refused "
        "(429).",
    )
    watchdog_s: float = Field(
        default=30.0,
        gt=0,
        le=3_600,
        description="When a batch takes longer (and 20 times what was calibrated), the engine is "
        "held to be stuck: not ready, and what waits is refused with 503.",
    )
    cache_bytes: int = Field(
        default=0,
        ge=0,
        description="Memory for answers that are given again to equal questions; 0 keeps none. "
        "With it, equal questions that are asked at once run once.",
    )
    max_wait_ms: float = Field(
        default=0.0,
        ge=0,
        le=60_000,
        description="How long an item may wait for company; 0 keeps the engine always busy.",
    )
    request_timeout_ms: float = Field(
        default=30_000,
        gt=0,
        le=3_600_000,
        description="Deadline of a call that sets no X-Request-Timeout-Ms; also the longest one.",
    )
    max_body_bytes: PositiveInt = Field(
        default=1_048_576, description="Largest request body; beyond it 413."
    )
    max_batch_items: PositiveInt = Field(
        default=256, description="Most items in one call of /predict/xcopa/batch."
    )
    drain_delay_s: float = Field(
        default=0.0,
        ge=0,
        le=3_600,
        description="After SIGTERM, how long to go on admitting while not ready, so that load "
        "balancers notice first.",
    )
    drain_grace_s: float = Field(
        default=30.0,
        ge=0,
        le=3_600,
        description="After that, how long accepted work may take to finish.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Least severe level that is logged.",
    )


def variables() -> frozenset[str]:
    """Return the names of the variables that are settings, and of the groups of nested ones."""
    return frozenset(_variables(Settings, environment.PREFIX))


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        yield variable
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, variable + environment.NESTED)
