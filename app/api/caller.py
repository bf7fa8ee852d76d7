"""Who calls: known in this one place, for fairness now and for whatever else counts by caller."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets

from fastapi import Request

KEY_HEADER = "X-API-Key"
AUTHORIZATION = "Authorization"
_SCHEME = "bearer "

_SECRET = secrets.token_bytes(32)
"""Of this process: a digest that leaks tells nothing of the key, not even by guessing."""
_DIGEST_BYTES = 16
_IPV6_SITE_BITS = 64
"""One customer has a whole network of this size (RFC 6177), and so as many addresses."""


def caller_of(request: Request) -> str:
    """Return who calls: by its key, else by its address. At most 40 characters, never the key.

    The address is the client's own where a trusted proxy says it: uvicorn puts it in place of
    the proxy's (``XCOPA_FORWARDED_ALLOW_IPS``).
    """
    if key := key_of(request):
        return f"key:{_digest(key)}"
    return _network(request.client.host) if request.client else ""


def key_of(request: Request) -> str:
    """Return the API key of a request, wherever it is carried; empty without one."""
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
