"""A service that misbehaves is measured to the end: a real one, over real connections."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.patience import RetryClock
from models.evaluation.ask.remote import RemotePredictor
from models.evaluation.ask.service import Service

ITEMS = [CausalItem(f"premise {n}", "yes", "no", "cause") for n in range(200)]

FAULTS = ("502", "429 now", "cut", "429 now", "hour", "no body", "gone", "429 now", "502", "504")
"""What happens to the calls of items, one after the other; then all is well."""


class Misbehaving:
    """An HTTP server on loopback that goes through the faults, and comes back when it is gone."""

    def __init__(self) -> None:
        self.faults = list(FAULTS)
        self.cards = [502, 429]
        self.sizes: list[int] = []
        self.waits: list[float] = []
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def clock(self) -> RetryClock:
        return RetryClock(lambda: sum(self.waits), self.wait, draw=lambda: 0.0)

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server: ThreadingHTTPServer | None = ThreadingHTTPServer(
            ("127.0.0.1", self._port), handler
        )
        self.server.daemon_threads = True
        self._port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        server, self.server = self.server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def wait(self, seconds: float) -> None:
        """No time passes; what is gone is there again on the second attempt."""
        self.waits.append(seconds)
        if self.server is None and seconds > 1:
            self.start()


class _Handler(BaseHTTPRequestHandler):
    owner: Misbehaving

    def do_GET(self) -> None:
        if self.owner.cards:
            self._send(self.owner.cards.pop(0), {"detail": "starting"})
            return
        self._send(200, {"models": [{"name": "direct", "revision": "abc"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.owner.sizes.append(len(body["items"]))
        fault = self.owner.faults.pop(0) if self.owner.faults else "none"
        if fault == "none":
            self._answer(body["items"])
        elif fault == "gone":
            self.owner.stop()
            self.close_connection = True
        elif fault == "cut":
            self._send(200, {"predictions": []}, length=10_000)
            self.close_connection = True
        elif fault == "no body":
            self.close_connection = True
        else:
            named = {"429 now": "0", "hour": "3600"}
            status = int(fault.split()[0]) if fault[0].isdigit() else 503
            self._send(status, {"detail": fault}, named=named.get(fault))

    def _answer(self, items: list[dict[str, str]]) -> None:
        found = [
            {"logits": [float(item["premise"].split()[1]), 0.5], "revision": "abc"}
            for item in items
        ]
        self._send(200, {"predictions": found})

    def _send(
        self,
        status: int,
        content: dict[str, Any],
        length: int | None = None,
        named: str | None = None,
    ) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        if named is not None:
            self.send_header("Retry-After", named)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def misbehaving() -> Iterator[Misbehaving]:
    server = Misbehaving()
    yield server
    server.stop()


def test_every_item_is_answered_by_a_service_that_fails_in_every_way_and_restarts(
    misbehaving: Misbehaving,
) -> None:
    with Service(misbehaving.url, misbehaving.clock) as service:
        [direct] = [model for model in service.models() if model.name == "direct"]
        predictor = RemotePredictor(service, direct)
        logits = predictor.logits(ITEMS, lambda items: None)
    assert [pair[0] for pair in logits.tolist()] == [float(n) for n in range(len(ITEMS))]
    assert not misbehaving.faults
    assert min(misbehaving.waits) >= 1
    assert max(misbehaving.waits) == 60
    assert sum(misbehaving.waits) < 600
    assert len(misbehaving.sizes) < len(FAULTS) + 30
