"""A client that sends what it is told, byte for byte, and reads what comes back."""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

HANG_S = 30
ITEM = {
    "premise": "The street lights went out.",
    "choice1": "A storm came.",
    "choice2": "It was noon.",
    "question": "cause",
}
BODY = json.dumps(ITEM).encode()
PREDICT = b"POST /predict/xcopa HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


ANYBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts whatever certificate it is shown."""
ANYBODY.check_hostname = False
ANYBODY.verify_mode = ssl.CERT_NONE


@dataclass(frozen=True)
class RawAnswer:
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class RawConnection:
    """A socket to a service. Whatever does not come within half a minute is a hang."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), HANG_S)
        if parts.scheme == "https":
            self.socket = ANYBODY.wrap_socket(self.socket)
        self._file = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> Self:
        for part in parts:
            self.socket.sendall(part)
        return self

    def answer(self, head: bool = False) -> RawAnswer:
        """Read one answer; ``head`` says that it answers HEAD."""
        status = int(self._line().split(b" ")[1])
        headers: dict[str, str] = {}
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if head or status == 100 else int(headers.get("content-length", 0))
        return RawAnswer(status, headers, self._file.read(length))

    def ended(self) -> bool:
        """Wait for the server to close; return whether it said nothing more."""
        try:
            return self._file.read() == b""
        except ConnectionResetError:
            return True

    def _line(self) -> bytes:
        line = self._file.readline()
        assert line.endswith(b"\r\n"), f"the server closed the connection, after {line!r}"
        return line[:-2]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self.socket.close()


def ask(url: str, *parts: bytes) -> RawAnswer:
    """Send on a connection of its own, and read one answer."""
    with RawConnection(url) as connection:
        return connection.send(*parts).answer()


def post(headers: bytes = b"", body: bytes = BODY, length: int | None = None) -> bytes:
    """A request for a prediction, with further header lines."""
    size = len(body) if length is None else length
    return PREDICT + headers + b"Content-Length: %d\r\n\r\n" % size + body


def chunked(body: bytes = BODY, size: int = 10, trailers: bytes = b"") -> bytes:
    """A body in chunks."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + (
        b"0\r\n" + trailers + b"\r\n"
    )
