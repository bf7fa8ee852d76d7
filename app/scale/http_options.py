"""What Serve's proxies are told of the settings, and what those were told that run already."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from app.errors import StartError
from app.scale.proxy import BACKSTOP_S
from app.settings import Settings

log = logging.getLogger(__name__)

_ADDRESS = ("host", "port", "ssl_certfile", "ssl_keyfile")
"""What decides where callers find the service, and whether they speak TLS to it."""


def http_options(settings: Settings) -> dict[str, Any]:
    """Return what Serve's proxies are to know of the settings.

    Raises:
        StartError: the port is 0.
    """
    if settings.port == 0:
        raise StartError("XCOPA_PORT is 0: the proxies of all nodes need one port; name it")
    options: dict[str, Any] = {
        "host": settings.host.strip("[]"),
        "port": settings.port,
        "request_timeout_s": settings.request_timeout_ms / 1000 + BACKSTOP_S,
        "keep_alive_timeout_s": settings.keep_alive_s,
    }
    if settings.ssl_certfile is not None:
        options["ssl_certfile"] = str(settings.ssl_certfile)
        options["ssl_keyfile"] = str(settings.ssl_keyfile or settings.ssl_certfile)
    if settings.ssl_keyfile_password is not None:
        options["ssl_keyfile_password"] = settings.ssl_keyfile_password.get_secret_value()
    return options


def options_there(ray: Any) -> dict[str, Any] | None:
    """Return what the proxies of the cluster were told, or None where Serve does not run."""
    # Serve says it nowhere else.
    client = ray.serve.context._get_global_client(raise_if_no_controller_running=False)  # noqa: SLF001
    return None if client is None else dict(client.http_config)


def refuse_other_address(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> None:
    """Refuse to deploy where callers would not find the service; warn of other differences.

    Serve takes no other options while it runs, and says so in its log alone.

    Raises:
        StartError: Serve runs at another address, or with another certificate.
    """
    if any(wanted.get(name) != there[name] for name in _ADDRESS):
        certificate = there["ssl_certfile"]
        files = f"XCOPA_SSL_CERTFILE={certificate} XCOPA_SSL_KEYFILE={there['ssl_keyfile']}"
        raise StartError(
            f"Serve runs on this cluster already, and stays as it is while it does: set "
            f"XCOPA_HOST={there['host']} XCOPA_PORT={there['port']} "
            f"{files if certificate else 'and no XCOPA_SSL_CERTFILE'}, or end it with "
            "`serve shutdown`, which ends all of its applications"
        )
    others = sorted(name for name in wanted.keys() - set(_ADDRESS) if wanted[name] != there[name])
    if others:
        log.warning(
            "Serve runs on this cluster already, and keeps these as they are: %s",
            ", ".join(f"{name}={there[name]}" for name in others),
        )
