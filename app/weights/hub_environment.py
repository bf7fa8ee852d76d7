"""The variables that the hub's client reads, looked at before it stumbles over them.

Imports nothing of the client: it reads some of these variables when it is imported, and a wrong
one ends the import with a traceback.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from app.errors import StartError

_SECONDS = ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT")
_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_SWITCH_VALUES = ("1", "ON", "YES", "TRUE", "0", "OFF", "NO", "FALSE", "")
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_CREDENTIALS = re.compile(r"[^\s/'\"@]*:[^\s/'\"@]*@")


def prepare() -> None:
    """Get the environment ready for the import of the hub's client, fetched from or not.

    An empty variable, which is what compose makes of one that is not set, is taken away.

    Raises:
        StartError: a variable would end that import; the message names it.
    """
    for name in ("HF_ENDPOINT", *_SECONDS):
        if not os.environ.get(name, "").strip():
            os.environ.pop(name, None)
    for name in _SECONDS:
        value = os.environ.get(name, "0")
        if not value.strip().isdecimal():
            raise StartError(f"{name} must be a whole number of seconds, not {value!r}")
    endpoint = os.environ.get("HF_ENDPOINT", "")
    try:
        _ = urlsplit(endpoint).port
    except ValueError as error:
        raise StartError(
            f"HF_ENDPOINT is {hide_credentials(endpoint)!r}, which is no address: {error}"
        ) from error


def check_hub() -> None:
    """Refuse what would make a fetch fail, or go where it should not.

    Raises:
        StartError: a variable is malformed; the message names it.
    """
    endpoint = os.environ.get("HF_ENDPOINT")
    if endpoint is not None and not _is_web_address(endpoint):
        shown = hide_credentials(endpoint)
        raise StartError(
            f"HF_ENDPOINT is {shown!r}; it must begin with https:// or http:// and name a "
            f"host, such as https://{shown.rpartition('://')[2] or 'huggingface.co'}"
        )
    for name in _SWITCHES:
        if os.environ.get(name, "").upper() not in _SWITCH_VALUES:
            raise StartError(f"{name} must be 1 or 0, not {os.environ[name]!r}")
    token = os.environ.get("HF_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise StartError("HF_TOKEN holds characters that no token has; set it again")
    for name in _CERTIFICATES:
        if (path := os.environ.get(name)) and not Path(path).exists():
            raise StartError(f"{name} is {path!r}, and there is nothing there")


def variables_at_work() -> str:
    """Name the variables that are set and decide how the hub is reached, for a message."""
    spellings = [name for each in _PROXIES for name in (each, each.lower())]
    names = [name for name in ("HF_ENDPOINT", *spellings, *_CERTIFICATES) if os.environ.get(name)]
    return f"; set here: {', '.join(names)}" if names else ""


def hide_credentials(text: str) -> str:
    """Take names and passwords out of the addresses in a text."""
    return _CREDENTIALS.sub("***@", text)


def _is_web_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
