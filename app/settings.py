"""Every knob of the service, typed and described. Environment variables, prefix ``XCOPA_``."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SHIPPED_MODELS = Path(__file__).resolve().parent.parent / "models"

PositiveInt = Annotated[int, Field(gt=0)]

ALL, NONE = "*", "none"
_ORIGIN = re.compile(r"https?://[^/,\s]+")


def split(listed: str) -> list[str]:
    """Return the entries of a setting that is a list, separated by commas."""
    return [entry.strip() for entry in listed.split(",") if entry.strip()]


def _proxies(listed: str) -> str:
    if listed in (ALL, NONE):
        return listed
    for entry in split(listed):
        try:
            ipaddress.ip_network(entry)
        except ValueError as error:
            message = f"{entry!r} is no address and no network, nor is it `*` or `none`: {error}"
            raise ValueError(message) from error
    return listed


def _origins(listed: str) -> str:
    for entry in split(listed):
        if entry != ALL and not _ORIGIN.fullmatch(entry):
            message = f"{entry!r} is no origin: it is written like https://example.org, no path"
            raise ValueError(message)
    return listed


Proxies = Annotated[str, AfterValidator(_proxies)]
Origins = Annotated[str, AfterValidator(_origins)]

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


class Settings(BaseSettings):
    """The service's configuration."""

    model_config = SettingsConfigDict(
        env_prefix="XCOPA_", env_nested_delimiter="__", extra="ignore"
    )

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
    max_header_bytes: PositiveInt = Field(
        default=32_768, description="Largest request line with its headers; beyond it 431."
    )
    max_connections: PositiveInt = Field(
        default=1_000,
        description="Connections open at once. Beyond it the one that has waited longest for its "
        "client is closed, so that idle ones keep nobody out.",
    )
    max_buffered_bytes: PositiveInt = Field(
        default=134_217_728,
        description="Request bodies held at once, over all connections; beyond it the slowest "
        "connections are closed.",
    )
    receive_timeout_s: float = Field(
        default=30.0,
        gt=0,
        le=3_600,
        description="How long a client may take to send a request, from its first byte to its "
        "last (408), and to read its answer.",
    )
    keep_alive_s: PositiveInt = Field(
        default=75,
        le=3_600,
        description="How long a connection without a request stays open. Longer than the idle "
        "time of the proxy in front (nginx, AWS: 60 s), or now and then a call meets a "
        "connection that is just being closed.",
    )
    forwarded_allow_ips: Proxies = Field(
        default="127.0.0.1,::1",
        description="Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses "
        "and networks (`10.0.0.0/8`), separated by commas; `*` is everybody, `none` nobody.",
    )
    root_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        description="Prefix of all paths behind a proxy, such as `/xcopa`, whether or not the "
        "proxy takes it off.",
    )
    cors_origins: Origins = Field(
        default="",
        description="Origins whose pages may call from a browser, such as "
        "`https://example.org`, separated by commas; `*` is every one, empty none.",
    )
    max_batch_items: PositiveInt = Field(
        default=256,
        description="Most items in one call of /predict/xcopa/batch, or of infer under /v2.",
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
