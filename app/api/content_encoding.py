"""Bodies that were compressed for the way: ``Content-Encoding`` (RFC 9110, section 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.middleware import header
from app.errors import BadBodyError, PayloadTooLargeError, UnsupportedEncodingError

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_ZLIB_HEADER = 2
_IDENTITY = "identity"
MOST_MEMBERS = 100
"""A gzip file may be several, one after the other (RFC 1952); each costs time, however short."""


class Decoder:
    """Decompresses a body as it arrives, and never makes more of it than the limit."""

    def __init__(self, wbits: int, max_bytes: int) -> None:
        self._wbits = wbits
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._members = 0
        self._inflate = self._next_member()

    def feed(self, data: bytes) -> bytes:
        """Return what a part of the body adds.

        Raises:
            BadBodyError: it is not what its header says.
            PayloadTooLargeError: the body is larger than the limit.
        """
        decoded = bytearray()
        while data:
            decoded += self._decompress(data)
            data = self._inflate.unused_data
            if data:
                self._inflate = self._next_member()
        return bytes(decoded)

    def end(self) -> None:
        """Raise ``BadBodyError`` unless the body has come to its end."""
        if not self._inflate.eof:
            raise BadBodyError("the compressed body ends too early")

    def _next_member(self) -> zlib._Decompress:
        self._members += 1
        if self._members > MOST_MEMBERS or (self._members > 1 and self._wbits != _GZIP):
            raise BadBodyError("there is more after the end of the compressed body")
        return zlib.decompressobj(self._wbits)

    def _decompress(self, data: bytes) -> bytes:
        try:
            decoded = self._inflate.decompress(data, self._left + 1)
        except zlib.error as error:
            raise BadBodyError(f"the compressed body is damaged: {error}") from error
        self._left -= len(decoded)
        if self._left < 0:
            raise PayloadTooLargeError(
                f"the body exceeds {self._max_bytes} bytes when decompressed; "
                "send fewer items a call"
            )
        return decoded


class _DeflateDecoder(Decoder):
    """``deflate`` means zlib's format; many clients send the bare stream, and that is read too."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(_ZLIB, max_bytes)
        self._begun = b""

    def feed(self, data: bytes) -> bytes:
        if len(self._begun) == _ZLIB_HEADER:
            return super().feed(data)
        data, self._begun = self._begun + data, (self._begun + data)[:_ZLIB_HEADER]
        if len(data) < _ZLIB_HEADER:
            return b""
        if data[0] & 0x0F != zlib.DEFLATED or int.from_bytes(self._begun, "big") % 31:
            self._inflate = zlib.decompressobj(_RAW)
        return super().feed(data)


_DECODERS: dict[str, Callable[[int], Decoder]] = {
    "gzip": lambda max_bytes: Decoder(_GZIP, max_bytes),
    "x-gzip": lambda max_bytes: Decoder(_GZIP, max_bytes),
    "deflate": _DeflateDecoder,
}
ACCEPTED = "gzip, deflate"


def decoder(content_encoding: str, max_bytes: int) -> Decoder | None:
    """Return what decodes a body; None where nothing is to be done.

    Args:
        content_encoding: the header's value; empty without one.
        max_bytes: what the body may have when decoded.

    Raises:
        UnsupportedEncodingError: the encoding is unknown, or there are several.
    """
    named = content_encoding.strip().lower()
    if named in ("", _IDENTITY):
        return None
    if named not in _DECODERS:
        raise UnsupportedEncodingError(
            f"the Content-Encoding {named[:40]!r} is not read; send the body plain, or with one of "
            f"{ACCEPTED}",
            accepted=ACCEPTED,
        )
    return _DECODERS[named](max_bytes)


class DecodeBodyMiddleware:
    """Hands on a compressed body decompressed, within the limit of a body."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        encoding = header(scope, b"content-encoding") if scope["type"] == "http" else ""
        if not encoding:
            await self.app(scope, receive, send)
            return
        decoding: Decoder | None = None

        async def receive_decoded() -> Message:
            # Not before the body is asked for: who asks for none need not know its encoding.
            nonlocal decoding
            decoding = decoding or decoder(encoding, self.max_bytes)
            message = await receive()
            if decoding is None or message["type"] != "http.request":
                return message
            decoded = decoding.feed(message.get("body", b""))
            if not message.get("more_body", False):
                decoding.end()
            return {**message, "body": decoded}

        await self.app(scope, receive_decoded, send)
