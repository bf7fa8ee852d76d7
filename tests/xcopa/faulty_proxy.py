"""A proxy before a real service that refuses some calls and breaks some connections."""

from __future__ import annotations

import http.client
import itertools
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

FAULTS = ("429", "503", "reset before", "502", "reset within")
"""What may happen to a call of a batch; ``busy`` asks it to wait for minutes."""

_LINGER_0 = struct.pack("ii", 1, 0)


class FaultyProxy(ThreadingHTTPServer):
    """Makes faults in turn, and keeps count."""

    daemon_threads = True

    def __init__(self, service: str, every: int, faults: Sequence[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = urlsplit(service).netloc
        self.made: list[str] = []
        self.connections: set[tuple[str, int]] = set()
        self.calls = 0
        self._lock = threading.Lock()
        self._faults = itertools.cycle(faults)
        self._every = every
        self.refused = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that broke off."""

    def fault(self, client: tuple[str, int]) -> str | None:
        with self._lock:
            self.calls += 1
            self.connections.add(client)
            if self.calls % self._every:
                return None
            self.refused.set()
            self.made.append(next(self._faults))
            return self.made[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def do_GET(self) -> None:
        self._forward(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.fault(self.client_address)
        if fault is None:
            self._forward(body)
        elif fault.isdecimal():
            self._say(int(fault), b'{"detail": "not now"}', {"Retry-After": "0"})
        elif fault == "busy":
            self._say(503, b'{"detail": "not now"}', {"Retry-After": "250"})
        else:
            self._reset(b"HTTP/1.1 200 OK\r\nContent-Le" if fault == "reset within" else b"")

    def _forward(self, body: bytes) -> None:
        onward = http.client.HTTPConnection(self.server.service, timeout=60)
        headers = {"Content-Type": "application/json"} if body else {}
        onward.request(self.command, self.path, body or None, headers)
        response = onward.getresponse()
        self._say(response.status, response.read(), dict(response.getheaders()))
        onward.close()

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name in headers.keys() & {"Retry-After", "retry-after"}:
            self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self, begun: bytes) -> None:
        self.wfile.write(begun)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def finish(self) -> None:
        if not self.wfile.closed and self.connection.fileno() >= 0:
            super().finish()


@contextmanager
def faulty_proxy(service: str, every: int, faults: Sequence[str]) -> Iterator[FaultyProxy]:
    """Run a proxy that makes a fault of every so many calls."""
    with FaultyProxy(service, every, faults) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()
