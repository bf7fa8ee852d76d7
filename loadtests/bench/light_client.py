"""A minimal HTTP client: the generator of an overload shares the machine of the server.

It reads only status, length, ``Retry-After`` and body of a response, and keeps connections open.
"""

from __future__ import annotations

import contextlib
import re
import select
from collections.abc import Mapping
from dataclasses import dataclass

import gevent
from gevent import socket

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"retry-after: (\d+)", re.IGNORECASE)
_STATUS = slice(9, 12)


@dataclass(frozen=True)
class LightResponse:
    """What was read of a response."""

    status: int
    retry_after: str
    body: bytes


class LightClient:
    """Asks over connections that it opens as it needs them.

    Args:
        port: of the server.
        timeout: of each step of a connection, in seconds.
        host: of the server.
        second_try: whether a request that meets a broken connection, which was kept, is sent again
            over another one. Without it the caller sees all that breaks.
    """

    def __init__(
        self, port: int, timeout: float, host: str = "127.0.0.1", second_try: bool = True
    ) -> None:
        self._address = (host, port)
        self._timeout = timeout
        self._second_try = second_try
        self._free: list[socket.socket] = []

    def request(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Return a POST as it goes over the wire."""
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: {self._address[0]}",
            f"Content-Length: {len(body)}",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode() + _HEAD_END + body

    def ask(self, request: bytes) -> tuple[int, str]:
        """Send a request; return the status of its response and its ``Retry-After``.

        Raises:
            OSError: there was no whole response.
        """
        response = self.exchange(request)
        return response.status, response.retry_after

    def exchange(self, request: bytes) -> LightResponse:
        """Send a request and return its response.

        Raises:
            OSError: there was no whole response.
        """
        if not self._second_try:
            return self._ask(self._open() or self._connect(), request)
        while self._free:
            # The server closes connections that were idle for some seconds; another will do.
            with contextlib.suppress(OSError):
                return self._ask(self._free.pop(), request)
        return self._ask(self._connect(), request)

    def _ask(self, connection: socket.socket, request: bytes) -> LightResponse:
        try:
            connection.sendall(request)
            head, body = _whole(connection)
        except (OSError, gevent.GreenletExit):
            connection.close()
            raise
        self._free.append(connection)
        retry_after = _RETRY_AFTER.search(head)
        said = retry_after.group(1).decode() if retry_after else ""
        return LightResponse(int(head[_STATUS]), said, body)

    def close(self) -> None:
        """Close the connections that are free."""
        for connection in self._free:
            connection.close()

    def _open(self) -> socket.socket | None:
        """Return a kept connection that the server has not closed: nothing can be read from it."""
        while self._free:
            connection = self._free.pop()
            look = select.poll()
            look.register(connection.fileno(), select.POLLIN)
            if not look.poll(0):
                return connection
            connection.close()
        return None

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=self._timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def _whole(connection: socket.socket) -> tuple[bytes, bytes]:
    answer: bytes = b""
    while True:
        received = connection.recv(65536)
        if not received:
            raise ConnectionResetError("the connection closed before the end of the response")
        answer += received
        head: bytes
        rest: bytes
        head, end, rest = answer.partition(_HEAD_END)
        if end and len(rest) >= int(_LENGTH.search(head).group(1)):  # type: ignore[union-attr]
            return head, rest
