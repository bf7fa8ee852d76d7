"""A port of its own for probes and metrics: there before the models, there until the end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.raw import HANG_S, RawConnection, ask, post
from tests.e2e.server import ServerProcess

MOST_CONNECTIONS = 40
SERVICE_NAMED_XCOPA_METRICS = {
    "XCOPA_METRICS_PORT": "tcp://10.96.0.13:9090",
    "XCOPA_METRICS_SERVICE_HOST": "10.96.0.13",
    "XCOPA_METRICS_PORT_9090_TCP": "tcp://10.96.0.13:9090",
}


@pytest.fixture(scope="module")
def models(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


@pytest.fixture(scope="module")
def server(models: dict[str, str]) -> Iterator[ServerProcess]:
    settings = {
        "XCOPA_METRICS_PORT": "0",
        "XCOPA_MAX_CONNECTIONS": str(MOST_CONNECTIONS),
        "XCOPA_ROOT_PATH": "/xcopa",
    }
    with ServerProcess(**models, **settings) as made:
        yield made.wait_until_ready()


def metrics_url(server: ServerProcess) -> str:
    return server.wait_for_line(r"probes and metrics: (http://\S+)").group(1)


@pytest.fixture
def beside(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=metrics_url(server), timeout=HANG_S) as made:
        yield made


@pytest.mark.slow
def test_metrics_have_left_the_main_port_and_probes_are_on_both(
    server: ServerProcess, beside: httpx.Client
) -> None:
    with httpx.Client(base_url=server.url) as main:
        assert main.get("/metrics").status_code == 404
        assert "/metrics" not in main.get("/openapi.json").json()["paths"]
        for path in ("/livez", "/readyz", "/startupz"):
            assert main.get(path).status_code == beside.get(path).status_code == 200
    assert "xcopa_ready 1.0" in beside.get("/metrics").text


@pytest.mark.slow
def test_it_has_probes_and_metrics_and_nothing_else(beside: httpx.Client) -> None:
    for path in ("/", "/docs", "/openapi.json", "/models", "/v2"):
        assert beside.get(path).status_code == 404
    refused = beside.post("/predict/xcopa", content=b" " * 5_000_000)
    assert refused.status_code == 404
    assert refused.headers["content-type"] == "application/problem+json"
    assert beside.head("/metrics").status_code == 200
    assert beside.head("/metrics").headers["x-content-type-options"] == "nosniff"


@pytest.mark.slow
def test_what_is_counted_on_the_main_port_is_seen_there(
    server: ServerProcess, beside: httpx.Client
) -> None:
    assert ask(server.url, post()).status == 200
    assert 'route="/predict/xcopa",status="200"' in beside.get("/metrics").text


@pytest.mark.slow
def test_it_answers_within_a_second_while_the_main_port_is_flooded(
    server: ServerProcess, beside: httpx.Client
) -> None:
    with ExitStack() as stack:
        for number in range(6 * MOST_CONNECTIONS):
            slow = stack.enter_context(RawConnection(server.url))
            slow.send(b"GET /livez HTTP/1.1\r\nX-A: " if number % 2 else b"")
            if number % 20 == 0:
                for path in ("/livez", "/readyz", "/metrics"):
                    began = time.monotonic()
                    assert httpx.get(f"{beside.base_url}{path}").status_code == 200
                    assert time.monotonic() - began < 1


@pytest.mark.slow
def test_it_is_there_while_the_models_load_and_until_the_service_has_drained(
    models: dict[str, str],
) -> None:
    settings = {"XCOPA_METRICS_PORT": "0", "XCOPA_MAX_WAIT_MS": "1500"}
    with ServerProcess(**models, **settings) as server:
        url = metrics_url(server)
        with httpx.Client(base_url=url, timeout=HANG_S) as beside:
            assert beside.get("/livez").status_code == 200
            assert beside.get("/startupz").json()["status"] in ("loading", "started")
            main = server.wait_until_ready().url
            with RawConnection(main) as working:
                working.send(post())
                while 'xcopa_queue_items{model="stilts"} 1.0' not in beside.get("/metrics").text:
                    pass
                server.terminate()
                while beside.get("/readyz").status_code == 200:
                    pass
                seen = readiness_to_the_end(url)
                # Who listened longer: the main port is gone when this one goes.
                with pytest.raises(httpx.ConnectError):
                    httpx.get(f"{main}/livez", timeout=HANG_S)
                assert working.answer().status == 200
            assert "draining" in seen
            assert "ready" not in seen
        assert server.exit_status() == 0


def readiness_to_the_end(url: str) -> set[str]:
    """Ask until nothing listens there any more; return the states that were seen."""
    seen: set[str] = set()
    with suppress(httpx.TransportError):
        while True:
            seen.add(httpx.get(f"{url}/readyz", timeout=HANG_S).json().get("status", ""))
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_the_health_check_asks_there(server: ServerProcess, path: str) -> None:
    port = str(urlsplit(metrics_url(server)).port)
    # Nothing listens on the main port that this environment names.
    environment = {**os.environ, "XCOPA_PORT": "1", "XCOPA_METRICS_PORT": port}
    command = [sys.executable, "-m", "app.health", path]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def refused(**settings: str) -> str:
    with ServerProcess(**settings) as server:
        assert server.exit_status() == 1
        lines = [each for each in server.output if each.startswith("xcopa cannot")]
        assert len(lines) == 1
        assert "loaded" not in "\n".join(server.output)
        return lines[0]


def test_a_metrics_port_that_is_taken_stops_the_start_with_its_variable(
    models: dict[str, str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        line = refused(**models, XCOPA_METRICS_PORT=port)
    assert "XCOPA_METRICS_PORT: port" in line
    assert "is taken" in line


def test_the_main_port_twice_is_refused(models: dict[str, str]) -> None:
    line = refused(**models, XCOPA_PORT="8123", XCOPA_METRICS_PORT="8123")
    assert "XCOPA_METRICS_PORT: " in line
    assert "XCOPA_PORT" in line


def test_a_host_that_is_none_is_named_by_its_own_variable(models: dict[str, str]) -> None:
    line = refused(**models, XCOPA_METRICS_PORT="0", XCOPA_METRICS_HOST="192.0.2.7")
    assert "XCOPA_METRICS_HOST: 192.0.2.7 is no address" in line


@pytest.mark.slow
def test_what_kubernetes_sets_for_a_service_named_xcopa_metrics_is_no_port(
    models: dict[str, str],
) -> None:
    with ServerProcess(**models, **SERVICE_NAMED_XCOPA_METRICS) as server:
        url = server.wait_until_ready().url
        server.wait_for_line("ignored, since Kubernetes sets it.*XCOPA_METRICS_PORT=tcp")
        assert httpx.get(f"{url}/metrics").status_code == 200
