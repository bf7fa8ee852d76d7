"""Every setting of the service, typed and described. Environment variables, prefix ``XCOPA_``."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app import environment
from app.model_settings.models_file import ModelsFile, read_models_file
from app.model_settings.names import quoted
from app.model_settings.sources import ModelSources
from app.model_settings.variant_settings import (
    VariantSettings,
    check_shadows,
    variant_settings,
)

PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]

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


def _other_port(port: int, settings: ValidationInfo) -> int:
    if port != 0 and port == settings.data.get("port"):
        raise ValueError("it is the port of XCOPA_PORT; choose another one")
    return port


Proxies = Annotated[str, AfterValidator(_proxies)]
Origins = Annotated[str, AfterValidator(_origins)]


def _with_shadows(file: ModelsFile | None, settings: ValidationInfo) -> ModelsFile | None:
    if "models" in settings.data:  # else it is wrong, and is named
        check_shadows(variant_settings(settings.data["models"], file))
    return file


FileOfModels = Annotated[
    ModelsFile | None,
    NoDecode,
    BeforeValidator(read_models_file),
    AfterValidator(_with_shadows),
    WithJsonSchema({"type": "string", "format": "path"}),
]
OtherPort = Annotated[int, Field(ge=0, le=65535), AfterValidator(_other_port)]

DIRECT, STILTS = "direct", "stilts"
VARIANTS = (DIRECT, STILTS)
"""The names of the pair that ships: the fields of ``ModelSources``."""


def _loaded(name: str, settings: ValidationInfo) -> str:
    """Refuse a default that is not among the models."""
    if "models" not in settings.data or "models_file" not in settings.data:
        return name  # one of them is wrong, and is named
    names = list(variant_settings(settings.data["models"], settings.data["models_file"]))
    if not names:
        raise ValueError("every model is left out; XCOPA_MODELS__NAME=SOURCE adds one")
    if name not in names:
        raise ValueError(f"it is not among the models: name {quoted(names)}")
    return name


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
    metrics_port: OtherPort | None = Field(
        default=None,
        description="Port of its own for probes and metrics, without TLS and without keys. The "
        "main port then has no `/metrics`, and keeps its probes; 0 picks one.",
    )
    metrics_host: str | None = Field(
        default=None, description="Address of that port; by default that of the main one."
    )
    console: bool = Field(
        default=True,
        description="Whether the console is served: a page at `/` on which people ask the models.",
    )
    ssl_certfile: Path | None = Field(
        default=None,
        description="Certificate of the service and those that lead to its authority, in PEM. "
        "With it the service speaks HTTPS. A file that changes is read again.",
    )
    ssl_keyfile: Path | None = Field(
        default=None,
        description="Private key of the certificate, in PEM; by default it stands in the "
        "certificate's file.",
    )
    ssl_keyfile_password: SecretStr | None = Field(
        default=None, description="Password of the private key, if it is encrypted."
    )
    ssl_ca_certs: Path | None = Field(
        default=None,
        description="Authorities, in PEM, of the certificates that callers must present (mutual "
        "TLS). Without it callers present none.",
    )
    models: ModelSources = Field(
        default_factory=ModelSources,
        description="The variants by name: `direct`, `stilts`, and what is added to them.",
    )
    models_file: FileOfModels = Field(
        default=None,
        description="File in TOML that names variants and says how each is treated: source, "
        "prompt, and weight for fairness. What a variable says of a source goes before it.",
    )
    default_model: Annotated[str, AfterValidator(_loaded)] = Field(
        default=STILTS,
        validate_default=True,
        description="The variant that answers if a request names none. Where `stilts` is left "
        "out, name another one.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("xcopa")),
        description="Directory in which the service assembles and keeps the embedded base, and "
        "what it has measured of this machine.",
    )
    threads: PositiveInt | None = Field(
        default=None,
        description="Threads that compute a forward pass. By default as many as the CPU quota "
        "allows (cgroup or affinity).",
    )
    engines: Literal["auto"] | NonNegativeInt = Field(
        default="auto",
        description="Processes that run the models, beside the one that speaks HTTP. They share "
        "the memory of the weights and the threads; one that ends or is stuck is replaced. `auto` "
        "measures how many, with how many threads each (one for each GPU). `0` runs the models in "
        "the process of the service, as all systems but Linux do.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="cpu",
        description="Device on which the models compute. `auto` is `cuda` if torch finds a CUDA "
        "device, else `cpu`. CUDA has not been tried on a GPU yet.",
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="fp32",
        description="Number format in which the models compute. `fp32` is exact. `bf16` can be "
        "faster, and needs hardware that supports it. `auto` measures on a CPU: it is `bf16` where "
        "products are at least 1.1 times as fast in it. On a GPU it is `bf16` if that supports it.",
    )
    linear_kernel: Literal["auto", "torch", "torch-transposed", "onednn", "onednn-fused"] = Field(
        default="auto",
        description="Which kernel computes the linear layers on a CPU. `auto` measures each layer "
        "shape at the first start, takes the fastest, and keeps the measurements in the cache "
        "directory.",
    )
    adapters: Literal["auto", "merged", "apart"] = Field(
        default="auto",
        description="How adapters compute. `merged`: each has its own copy of the layers that it "
        "changes. `apart`: adapters of one base share it, which takes less memory and more time. "
        "`auto` measures where adapters share a base, and keeps them apart if a pass takes at most "
        "1.1 times as long. On a GPU and with `XCOPA_ENGINES=0`, `auto` merges.",
    )
    tokeniser_threads: PositiveInt = Field(
        default=2,
        description="Threads that tokenise the texts of long calls, beside the event loop.",
    )
    batch_tokens: PositiveInt | None = Field(
        default=None,
        description="Token budget of a batch. By default the service measures it for each model "
        "at the start; see `XCOPA_BATCH_GAIN`.",
    )
    batch_gain: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="Where the token budget is measured: how much faster a token must be in a "
        "batch that takes twice as long. 0 takes the fastest size. A larger value takes smaller "
        "batches, behind which a call waits for a shorter time.",
    )
    queue_seconds: float = Field(
        default=10.0,
        gt=0,
        le=3_600,
        description="Most work that may wait, as estimated time of the engine, for all models "
        "together. A call that exceeds it is refused with 429.",
    )
    watchdog_s: float = Field(
        default=30.0,
        gt=0,
        le=3_600,
        description="If a batch takes longer than this, and longer than 20 times its calibrated "
        "time, the service treats the engine as stuck: it is not ready, and refuses waiting items "
        "with 503.",
    )
    cache_bytes: int = Field(
        default=0,
        ge=0,
        description="Memory for the cache of answers; 0 turns it off. With a cache, equal items "
        "that are asked at the same time are computed once.",
    )
    max_wait_ms: float = Field(
        default=0.0,
        ge=0,
        le=60_000,
        description="Longest time that an item waits for others to fill its batch while the engine "
        "is idle. 0: the engine starts at once.",
    )
    request_timeout_ms: float = Field(
        default=30_000,
        gt=0,
        le=3_600_000,
        description="Deadline of a call without the header X-Request-Timeout-Ms. The header can "
        "shorten it, not extend it.",
    )
    max_body_bytes: PositiveInt = Field(
        default=1_048_576, description="Largest request body. A larger one is refused with 413."
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
    api_keys_file: Path | None = Field(
        default=None,
        description="File of the API keys, a key a line, as `xcopa keys add` writes it. It is read "
        "again when it changes. Without this setting no key is needed; with a file that has no "
        "valid key, nobody may call.",
    )
    model_control: bool = Field(
        default=False,
        description="Whether variants can be loaded, replaced and unloaded while the service runs, "
        "under `/v2/repository`, with an API key that `xcopa keys add --admin` made. It needs "
        "`XCOPA_API_KEYS_FILE`, engines in processes of their own, and memory for the models "
        "twice.",
    )
    drain_delay_s: float = Field(
        default=0.0,
        ge=0,
        le=3_600,
        description="Time after SIGTERM in which the service is not ready but still accepts calls, "
        "so that load balancers can stop sending first.",
    )
    drain_grace_s: float = Field(
        default=30.0,
        ge=0,
        le=3_600,
        description="Time after that delay in which accepted calls may finish.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Lowest severity that is logged. `debug` has a line also of each probe and "
        "scrape; `warning` leaves of the requests those that failed or were turned away.",
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="How a line of the log looks. `auto` is `console` on a terminal and in the "
        "commands beside `serve`, else `json`.",
    )
    log_texts: bool = Field(
        default=False,
        description="Whether the log may have what callers send: the texts of each request, and "
        "messages that quote them.",
    )

    @property
    def variants(self) -> dict[str, VariantSettings]:
        """The models that are served, by name, the pair that ships first."""
        return variant_settings(self.models, self.models_file)


def variables() -> frozenset[str]:
    """Return the names of the variables that are settings, and of the groups of nested ones."""
    return frozenset(_variables(Settings, environment.PREFIX))


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        yield variable
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, variable + environment.NESTED)
