"""Who calls: known in this one place, for keys, for fairness and for whatever counts by caller."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets

from fastapi import Request
from starlette.types import Scope

from app.keys.ring import KeyHolder
from app.serving.work import Caller

KEY_HEADER = "X-API-Key"
AUTHORIZATION = "Authorization"
_SCHEME = "bearer "
_KEY_NAME, _AUTHORIZATION_NAME = KEY_HEADER.lower().encode(), AUTHORIZATION.lower().encode()
_HOLDER = "key_holder"

_SECRET = secrets.token_bytes(32)
"""Of this process: a digest that leaks tells nothing of the key, not even by guessing."""
_DIGEST_BYTES = 16
_IPV6_SITE_BITS = 64
"""One customer has a whole network of this size (RFC 6177), and so as many addresses."""


def caller_of(request: Request) -> Caller:
    """Return who calls, and with which weight.

    It is known by the name of its key, if keys are checked; else by whatever key it sends, else by
    its address. The name of the caller has at most 68 characters, and never holds the key.

    The address is the client's own where a trusted proxy says it: uvicorn puts it in place of
    the proxy's (``XCOPA_FORWARDED_ALLOW_IPS``).
    """
    if holder := holder_of(request.scope):
        return Caller(f"key:{holder.name}", holder.weight)
    if key := key_of(request):
        return Caller(f"key:{_digest(key)}")
    return Caller(_network(request.client.host) if request.client else "")


def note_holder(scope: Scope, holder: KeyHolder) -> None:
    """Remember in a request that its key was checked, and who holds it."""
    scope.setdefault("state", {})[_HOLDER] = holder


def holder_of(scope: Scope) -> KeyHolder | None:
    """Return who holds the key of a request, if it was checked."""
    holder: KeyHolder | None = scope.get("state", {}).get(_HOLDER)
    return holder


def keys_sent(scope: Scope) -> set[bytes]:
    """Return the keys that a request brings, wherever it carries them, as they were sent.

    Credentials of another scheme than ``Bearer`` are for somebody else, such as a proxy.
    """
    sent = (
        value.strip() if name == _KEY_NAME else _bearer(value)
        for name, value in scope["headers"]
        if name in (_KEY_NAME, _AUTHORIZATION_NAME)
    )
    return {key for key in sent if key}


def _bearer(credentials: bytes) -> bytes:
    scheme, key = credentials[: len(_SCHEME)], credentials[len(_SCHEME) :]
    return key.strip() if scheme.lower() == _SCHEME.encode() else b""


def key_of(request: Request) -> str:
    """Return what names the caller where keys are not checked; empty where nothing does."""
    if key := request.headers.get(KEY_HEADER):
        return key
    authorization = request.headers.get(AUTHORIZATION, "")
    if authorization[: len(_SCHEME)].lower() == _SCHEME:
        return authorization[len(_SCHEME) :].strip()
    return authorization


def _digest(text: str) -> str:
    sent = text.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(sent, digest_size=_DIGEST_BYTES, key=_SECRET).hexdigest()


def _network(host: str) -> str:
    """Return an address, or the network of an address in IPv6."""
    if ":" not in host and len(host) <= len("255.255.255.255"):
        return host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a proxy may pass on what it was sent
        return f"host:{_digest(host)}"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    site = ipaddress.IPv6Network((int(address), _IPV6_SITE_BITS), strict=False)
    return str(site)
