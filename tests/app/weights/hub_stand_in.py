"""A stand-in of the model hub on loopback, which the hub's real client talks to."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

COMMIT = "a" * 40
REPOSITORY = "someone/xlm-r-copa"


class StandInHub(BaseHTTPRequestHandler):
    """Just the calls that a snapshot download makes, answered from a folder."""

    folder: ClassVar[Path]
    asked: ClassVar[list[str]] = []
    got: ClassVar[list[str]] = []
    """The paths whose content was asked for."""
    repository: ClassVar[str] = REPOSITORY
    refuse: ClassVar[int] = 0
    """A status that every call is answered with; 0 answers as a hub does."""
    fault: ClassVar[str] = ""
    """``cut``: files end early; ``reset``: connections are reset."""

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(self.path.partition("?")[0])
        self.asked.append(path)
        if with_body:
            self.got.append(path)
        if self.fault == "reset":
            self._reset()
            return
        if self.refuse:
            self._error(self.refuse, "", with_body)
            return
        name = path.rpartition(f"/resolve/{COMMIT}/")[2]
        if path.startswith(f"/api/models/{self.repository}"):
            self._api(path, with_body)
        elif path.startswith(f"/{self.repository}/resolve/") and (self.folder / name).is_file():
            self._file((self.folder / name).read_bytes(), with_body)
        elif path.startswith("/api/models/gated/"):
            self._error(403, "GatedRepo", with_body)
        else:
            self._error(404, "RepoNotFound", with_body)

    def _api(self, path: str, with_body: bool) -> None:
        if "/revision/" in path and not path.endswith(("/main", COMMIT)):
            self._error(404, "RevisionNotFound", with_body)
            return
        files = [
            {
                "type": "file",
                "path": str(file.relative_to(self.folder)),
                "rfilename": str(file.relative_to(self.folder)),
                "size": file.stat().st_size,
                "oid": hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest(),
            }
            for file in sorted(self.folder.rglob("*"))
            if file.is_file()
        ]
        content: object = {"id": self.repository, "sha": COMMIT, "siblings": files}
        if "/tree/" in path:
            content = files
        self._send(
            200, json.dumps(content).encode(), {"Content-Type": "application/json"}, with_body
        )

    def _file(self, content: bytes, with_body: bool) -> None:
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
        }
        self._send(200, content, headers, with_body, cut=self.fault == "cut")

    def _error(self, status: int, code: str, with_body: bool) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code}, with_body)

    def _send(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str],
        with_body: bool,
        cut: bool = False,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = cut

    def _reset(self) -> None:
        """Close in the manner of a crash: what is left unsent is dropped, and the peer is told."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
        self.rfile.close()

    def log_message(self, *_: object) -> None:
        """Say nothing; the tests look at what was asked."""


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, type[StandInHub]]]:
    """Serve the files of a folder as one repository; yield the address and the handler."""
    handler = type("Handler", (StandInHub,), {"folder": folder, "asked": [], "got": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()
    thread.join()
