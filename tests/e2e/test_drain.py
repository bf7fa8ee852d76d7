"""The life of the process: it starts, or says why not, and leaves without losing anything."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import ServerProcess, running

ITEM = {
    "premise": "The street lights went out.",
    "choice1": "A storm came.",
    "choice2": "It was noon.",
    "question": "cause",
}
SETTINGS = {"XCOPA_BATCH_TOKENS": "128"}


class Load:
    """Callers that ask without pause until they are refused or the server is gone."""

    def __init__(self, url: str, callers: int) -> None:
        self.statuses: list[int] = []
        self.broken_while_waiting = 0
        self._url = url
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(callers)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as client:
            while True:
                try:
                    response = client.post("/predict/xcopa/batch", json={"items": [ITEM] * 16})
                except httpx.ConnectError:
                    return  # nobody listens any more: nothing was accepted
                except httpx.HTTPError:
                    with self._lock:
                        self.broken_while_waiting += 1
                    return
                with self._lock:
                    self.statuses.append(response.status_code)
                if response.status_code == 503:
                    return

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive(), "a caller hangs"


@pytest.fixture
def sources(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


@pytest.mark.slow
def test_sigterm_under_load_loses_no_accepted_request(sources: dict[str, str]) -> None:
    with ServerProcess(**sources, **SETTINGS, XCOPA_DRAIN_DELAY_S="3") as server:
        load = Load(server.wait_until_ready().url, callers=8)
        time.sleep(1)
        server.terminate()
        with httpx.Client(base_url=server.url) as client:
            while client.get("/readyz").status_code != 503:  # not ready comes first
                time.sleep(0.01)
            assert client.get("/livez").status_code == 200
            assert client.post("/predict/xcopa", json=ITEM).status_code == 200, "still admitting"
        load.join()
        assert server.exit_status() == 0
    assert load.broken_while_waiting == 0
    assert set(load.statuses) <= {200, 503}
    assert load.statuses.count(200) > 0


@pytest.mark.slow
def test_ctrl_c_at_rest_exits_with_0(sources: dict[str, str]) -> None:
    with ServerProcess(**sources) as server:
        server.wait_until_ready()
        server.process.send_signal(2)
        assert server.exit_status() == 0


@pytest.mark.slow
def test_a_queue_that_is_full_refuses_with_retry_after(sources: dict[str, str]) -> None:
    with running(**sources, XCOPA_QUEUE_SECONDS="0.02", XCOPA_BATCH_TOKENS="128") as client:
        url = str(client.base_url)
        refused = threading.Event()

        def ask() -> None:
            items = 8
            with httpx.Client(base_url=url, timeout=30) as own:
                for _ in range(200):
                    response = own.post("/predict/xcopa/batch", json={"items": [ITEM] * items})
                    if response.status_code == 413 and items > 1:
                        items //= 2  # on a machine that was busy at the start
                        continue
                    if response.status_code == 429:
                        assert int(response.headers["retry-after"]) >= 1
                        refused.set()
                    if refused.is_set():
                        return
                    assert response.status_code == 200

        callers = [threading.Thread(target=ask) for _ in range(12)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert refused.is_set()
        too_large = client.post("/predict/xcopa/batch", json={"items": [ITEM] * 256})
        assert too_large.status_code == 413


def test_a_model_that_is_missing_stops_the_start_with_one_clear_line(tiny_direct: Path) -> None:
    settings = {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": "/not/here"}
    with ServerProcess(**settings) as server:
        assert server.exit_status() == 1
        lines = [line for line in server.output if "cannot start" in line]
        assert len(lines) == 1
        assert "XCOPA_MODELS__STILTS" in lines[0]
        assert not any("Traceback" in line for line in server.output)


def test_a_setting_that_is_wrong_names_its_variable() -> None:
    with ServerProcess(XCOPA_BATCH_TOKENS="-5") as server:
        assert server.exit_status() == 1
        assert any("XCOPA_BATCH_TOKENS" in line for line in server.output)
        assert not any("Traceback" in line for line in server.output)


def test_a_variable_that_is_no_setting_of_ours_is_one_clear_line() -> None:
    with ServerProcess(XCOPA_MODELS="someone/model") as server:
        assert server.exit_status() == 1
        assert any("XCOPA_MODELS__DIRECT" in line for line in server.output)
        assert not any("Traceback" in line for line in server.output)


def test_sigterm_while_the_models_load_ends_at_once_with_0(tiny_direct: Path) -> None:
    """The hub here accepts the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {
            "XCOPA_MODELS__DIRECT": str(tiny_direct),
            "XCOPA_MODELS__STILTS": "someone/model",
            "XCOPA_LOG_LEVEL": "info",
            "HF_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_ETAG_TIMEOUT": "120",
        }
        with ServerProcess(**settings) as server:
            server.wait_for_line("a forward pass uses")
            connection, _ = silent.accept()
            server.terminate()
            # Waiting for the hub would take longer than this waits for the exit.
            assert server.exit_status() == 0
            connection.close()
