"""Whether there is a service to measure, before thousands of calls fail for want of one."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

TIMEOUT_S = 10
_OK, _NOT_YET = 200, 503
_CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


def why_not(url: str) -> str | None:
    """Return in one line why the service of a URL cannot be measured now, or None."""
    parts = urlsplit(url)
    if parts.scheme not in _CONNECTIONS or not parts.hostname:
        return f"{url!r} is no URL of a service; write it like http://127.0.0.1:8000"
    try:
        # A port that is no number raises here as well.
        connection = _CONNECTIONS[parts.scheme](parts.hostname, parts.port, timeout=TIMEOUT_S)
        connection.request("GET", parts.path.rstrip("/") + "/readyz")
        answer = connection.getresponse()
        said = answer.read(200).decode(errors="replace")
        connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        return f"no service answers at {url} ({reason}); `make run` starts one, or name another"
    if answer.status == _OK:
        return None
    if answer.status == _NOT_YET:
        return f"the service at {url} is not ready yet ({said}); wait until /readyz answers 200"
    return f"{url} is another server: /readyz answers {answer.status} there"
