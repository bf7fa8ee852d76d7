"""Hub ids, against a stand-in of the model hub on loopback that the real client talks to."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

import pytest
from huggingface_hub import constants

from app.errors import StartError
from app.weights import hub
from app.weights.variant import load_variants
from tests import tiny

COMMIT = "a" * 40
REPOSITORY = "someone/xlm-r-copa"


class StandInHub(BaseHTTPRequestHandler):
    """Just the calls that a snapshot download makes, answered from a folder."""

    folder: ClassVar[Path]
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(self.path.partition("?")[0])
        self.asked.append(path)
        name = path.rpartition(f"/resolve/{COMMIT}/")[2]
        if path.startswith(f"/api/models/{REPOSITORY}"):
            self._api(path, with_body)
        elif path.startswith(f"/{REPOSITORY}/resolve/") and (self.folder / name).is_file():
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
                "path": file.name,
                "rfilename": file.name,
                "size": file.stat().st_size,
                "oid": hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest(),
            }
            for file in sorted(self.folder.iterdir())
        ]
        content: object = {"id": REPOSITORY, "sha": COMMIT, "siblings": files}
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
        self._send(200, content, headers, with_body)

    def _error(self, status: int, code: str, with_body: bool) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code}, with_body)

    def _send(self, status: int, body: bytes, headers: dict[str, str], with_body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing; the tests look at what was asked."""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[StandInHub]]:
    folder = tiny.multiple_choice(tmp_path / "hub")
    (folder / "modeling_evil.py").write_text("raise SystemExit", encoding="utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    handler = type("Handler", (StandInHub,), {"folder": folder, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        endpoint + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_hub_id_is_fetched_and_served(stand_in: type[StandInHub]) -> None:
    served = load_variants({"direct": REPOSITORY}, Path())["direct"]
    same = load_variants({"direct": str(stand_in.folder)}, Path())["direct"]
    assert served.engine.logits([(0, 5, 2)]) == same.engine.logits([(0, 5, 2)])


def test_nothing_that_could_run_is_fetched(stand_in: type[StandInHub]) -> None:
    directory = hub.resolve(REPOSITORY)
    fetched = {path.name for path in directory.iterdir()}
    assert fetched == {"config.json", "model.safetensors", "tokenizer.json"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("someone/nothing-here", "no model of the hub"),
        ("gated/model", "HF_TOKEN"),
        (f"{REPOSITORY}@v9", "no revision 'v9'"),
    ],
)
def test_a_wrong_id_is_one_clear_line(stand_in: type[StandInHub], source: str, reason: str) -> None:
    with pytest.raises(StartError) as stopped:
        hub.resolve(source)
    assert reason in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_a_hub_out_of_reach_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(StartError, match="cannot be reached"):
        hub.resolve(REPOSITORY)
