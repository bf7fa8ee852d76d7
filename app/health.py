"""The health check of a container: ``python -m app.health [PATH]``; PATH is /livez without one.

It exits with 0 when the service of this machine answers 200, else with 1 and one line. It asks
where the settings say that the service listens, on the metrics port if there is one. It loads the
standard library alone, since it runs every few seconds beside the service.
"""

from __future__ import annotations

import http.client
import os
import ssl
import sys
from contextlib import closing
from dataclasses import dataclass

from app import environment

HOST, PORT = "127.0.0.1", "8000"
"""Where the service listens when no setting says otherwise."""

TIMEOUT_S = 4
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a service may listen on
_OK = 200


_SETTINGS = {
    "XCOPA_HOST",
    "XCOPA_PORT",
    "XCOPA_METRICS_HOST",
    "XCOPA_METRICS_PORT",
    "XCOPA_SSL_CERTFILE",
    "XCOPA_SSL_CA_CERTS",
}


@dataclass(frozen=True)
class Address:
    """Where the service can be asked."""

    host: str
    port: int
    tls: bool = False


def address(environ: dict[str, str]) -> Address:
    """Return where the service of this environment can be asked: the metrics port, if it has one.

    Raises:
        ValueError: its port is no number, or 0, which picks one that only the service knows; or
            the service asks for a certificate of the caller's.
    """
    values = environment.read(environ, _SETTINGS).values
    host = values.get("xcopa_host", HOST)
    metrics_port = values.get("xcopa_metrics_port")
    if metrics_port is not None:
        host = values.get("xcopa_metrics_host", host)
        return Address(_reachable(host), _number("XCOPA_METRICS_PORT", metrics_port))
    if "xcopa_ssl_ca_certs" in values:
        message = "XCOPA_SSL_CA_CERTS wants a certificate, which a health check has not; set "
        raise ValueError(message + "XCOPA_METRICS_PORT, where it needs none")
    port = _number("XCOPA_PORT", values.get("xcopa_port", PORT))
    return Address(_reachable(host), port, tls="xcopa_ssl_certfile" in values)


def _reachable(host: str) -> str:
    bare = host.strip("[]")
    return _ANY.get(bare, bare)


def _number(variable: str, value: str) -> int:
    port = int(value)
    if port == 0:
        raise ValueError(f"{variable} is 0: only the service knows which port that is")
    return port


def check(path: str, environ: dict[str, str]) -> str | None:
    """Ask the service; return what is wrong, or None."""
    try:
        # Not urllib, which would ask the proxy that the environment may name.
        with closing(_connection(address(environ))) as connection:
            connection.request("GET", path)
            with connection.getresponse() as answer:
                status = answer.status
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{path}: {error!r}"
    return None if status == _OK else f"{path} answers {status}"


def _connection(asked: Address) -> http.client.HTTPConnection:
    if not asked.tls:
        return http.client.HTTPConnection(asked.host, asked.port, timeout=TIMEOUT_S)
    # Not verified: the certificate is for the name that callers know, and this is asked of an
    # address of the same machine. Nothing is sent that somebody could make use of.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(asked.host, asked.port, timeout=TIMEOUT_S, context=context)


def main() -> int:
    """Check, say what is wrong, and return the exit status."""
    wrong = check(sys.argv[1] if len(sys.argv) > 1 else "/livez", dict(os.environ))
    if wrong is None:
        return 0
    sys.stderr.write(f"not healthy: {wrong}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
