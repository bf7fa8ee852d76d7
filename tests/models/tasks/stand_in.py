"""A stand-in of the hub on loopback: just the calls by which ``datasets`` loads a set."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

COMMIT = "a" * 40


class StandIn(BaseHTTPRequestHandler):
    """Serves ``<owner>/<name>/...`` of a folder as repositories, whichever revision is asked."""

    folder: ClassVar[Path]
    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(self.path.partition("?")[0])
        self.asked.append(path)
        kind, *parts = path.removeprefix("/api").strip("/").split("/")
        if kind != "datasets" or not (self.folder / "/".join(parts[:2])).is_dir():
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif path.startswith("/api/"):
            self._api("/".join(parts[:2]), parts[2:])
        else:
            self._file(self.folder.joinpath(*parts[:2], *parts[4:]), commit=parts[3])

    def _api(self, name: str, parts: list[str]) -> None:
        repository = self.folder / name
        call, commit, *below = parts
        folder = repository.joinpath(*below)
        if call == "revision":
            self._json({"id": name, "sha": commit, "tags": [], "siblings": []})
        elif folder.is_dir():
            self._json([self._entry(path, repository) for path in sorted(folder.iterdir())])
        else:
            self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})

    def _entry(self, path: Path, repository: Path) -> dict[str, object]:
        name = str(path.relative_to(repository))
        return {
            "type": "file" if path.is_file() else "directory",
            "path": name,
            "size": path.stat().st_size,
            "oid": hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest(),
        }

    def _file(self, path: Path, commit: str) -> None:
        commit = commit if len(commit) == len(COMMIT) else COMMIT
        if not path.is_file():
            self._send(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
            return
        content = path.read_bytes()
        tag = hashlib.sha256(content).hexdigest()
        self._send(200, content, {"ETag": f'"{tag}"', "X-Repo-Commit": commit})

    def _json(self, content: object) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing; the tests look at what was asked."""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder of repositories; yields the endpoint and the paths that are asked of it."""
    asked: list[str] = []
    handler = type("Handler", (StandIn,), {"folder": folder, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
