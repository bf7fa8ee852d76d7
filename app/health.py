"""The health check of a container: ``python -m app.health [PATH]``; PATH is /livez without one.

It exits with 0 when the service of this machine answers 200, else with 1 and one line. It asks
where the settings say that the service listens, and loads the standard library alone, since it
runs every few seconds beside the service.
"""

from __future__ import annotations

import http.client
import os
import sys

from app import environment

HOST, PORT = "127.0.0.1", "8000"
"""Where the service listens when no setting says otherwise."""

TIMEOUT_S = 4
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a service may listen on
_OK = 200


def address(environ: dict[str, str]) -> tuple[str, int]:
    """Return where the service of this environment can be reached.

    Raises:
        ValueError: its port is no number, or 0, which picks one that only the service knows.
    """
    values = environment.read(environ, {"XCOPA_HOST", "XCOPA_PORT"}).values
    host = values.get("xcopa_host", HOST).strip("[]")
    port = int(values.get("xcopa_port", PORT))
    if port == 0:
        raise ValueError("XCOPA_PORT is 0: only the service knows which port that is")
    return _ANY.get(host, host), port


def check(path: str, environ: dict[str, str]) -> str | None:
    """Ask the service; return what is wrong, or None."""
    try:
        host, port = address(environ)
        # Not urllib, which would ask the proxy that the environment may name.
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{path}: {error!r}"
    return None if status == _OK else f"{path} answers {status}"


def main() -> int:
    """Check, say what is wrong, and return the exit status."""
    wrong = check(sys.argv[1] if len(sys.argv) > 1 else "/livez", dict(os.environ))
    if wrong is None:
        return 0
    sys.stderr.write(f"not healthy: {wrong}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
