"""A real HTTP server on a loopback port, in a thread, that answers as a test says."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from loadtests.bench.servers import BenchServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

Replies = Callable[[bytes], Sequence[bytes] | None]
"""From a whole request to the pieces of its response; without one the connection is closed."""


@dataclass
class TinyServer:
    """What arrived, in order."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def process(self) -> BenchServer:
        """The server as the bench sees it; the process is that of the tests."""
        return BenchServer(self.port, psutil.Process())


@contextmanager
def tiny_server(replies: Replies = lambda _: [OK]) -> Iterator[TinyServer]:
    """Yield a server that keeps connections open until its caller or ``replies`` ends them."""

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            tiny.connections += 1
            while head := self._head():
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                request = head + self.rfile.read(int(length.group(1)) if length else 0)
                tiny.requests.append(request)
                pieces = replies(request)
                if pieces is None:
                    return
                for piece in pieces:
                    self.wfile.write(piece)

        def _head(self) -> bytes:
            lines = []
            for line in self.rfile:
                lines.append(line)
                if line == b"\r\n":
                    return b"".join(lines)
            return b""

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        tiny = TinyServer(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield tiny
        server.shutdown()
        thread.join()
