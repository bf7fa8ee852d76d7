"""Which variables of whoever deploys the replicas get, and which they must have from their node.

On a cluster of this machine alone they inherit all of them. On a shared one they are part of what
is deployed, and everybody who reaches Ray's dashboard reads that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app import environment
from app.settings import variables
from app.weights.hub_environment import hide_credentials

_OF_LIBRARIES = ("HF_", "OTEL_")
_SECRET_ENDS = ("_TOKEN", "_PASSWORD", "_HEADERS")
"""Of names such as HF_TOKEN, XCOPA_SSL_KEYFILE_PASSWORD and OTEL_EXPORTER_OTLP_HEADERS, the last of
which carries the keys of collectors."""


@dataclass(frozen=True)
class PassedOn:
    """What is deployed with the service."""

    values: Mapping[str, str]
    kept_back: tuple[str, ...]
    """Names of those that nobody else may read."""


def passed_on(environ: Mapping[str, str]) -> PassedOn:
    """Return the settings, and the variables of the hub's client and of OpenTelemetry.

    Others of our prefix are no settings: one may be a misspelt secret, or a caller's API key.
    """
    settings = environment.read(environ, variables()).values
    found = {name.upper(): value for name, value in settings.items()}
    found |= {name: value for name, value in environ.items() if name.startswith(_OF_LIBRARIES)}
    secret = {name for name, value in found.items() if _is_secret(name, value)}
    shown = {name: value for name, value in found.items() if name not in secret}
    return PassedOn(shown, tuple(sorted(secret)))


def _is_secret(name: str, value: str) -> bool:
    return name.endswith(_SECRET_ENDS) or hide_credentials(value) != value
