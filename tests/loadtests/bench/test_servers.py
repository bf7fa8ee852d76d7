"""Servers as processes: they are started, awaited, read and ended."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import psutil
import pytest
from geventhttpclient import HTTPClient

from loadtests.bench.servers import (
    PORTS,
    BenchServer,
    _of_living,
    environment,
    samples_of,
    started,
    uvicorn,
)
from tests.loadtests.bench.tiny_server import tiny_server

EXPOSITION = """# TYPE xcopa_batches_total counter
xcopa_batches_total{model="stilts"} 3.0
xcopa_batches_total{model="direct"} 4.0
# TYPE process_start_time_seconds gauge
process_start_time_seconds 5.5
"""

# Answers /variable with that variable of its environment, all else with 404.
ECHO = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        content = os.environ.get(self.path[1:])
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or "")))
        self.end_headers()
        self.wfile.write((content or "").encode())
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["XCOPA_PORT"])), Handler).serve_forever()
"""


# Ends at once when it is told to, and leaves a process that does not.
CARELESS = (
    """
import subprocess, sys
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
child += "; print('deaf', flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE).stdout.readline()
"""
    + ECHO
)

# Ends at Ctrl-C alone.
INTERRUPTED = (
    """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_DFL)
"""
    + ECHO
)

# Closes the first connection after it has read the request.
CLOSING = (
    """
import os, socket
with socket.create_server(("127.0.0.1", int(os.environ["XCOPA_PORT"]))) as first:
    connection, _ = first.accept()
    connection.recv(65536)
    connection.close()
"""
    + ECHO
)


def read(client: HTTPClient, path: str) -> tuple[int, str]:
    response = client.get(path)
    return response.status_code, response.read().decode()


def test_samples_are_known_by_name_and_model() -> None:
    assert samples_of(EXPOSITION) == {
        ("xcopa_batches_total", "stilts"): 3,
        ("xcopa_batches_total", "direct"): 4,
        ("process_start_time_seconds", ""): 5.5,
    }


def test_a_scrape_asks_for_the_metrics() -> None:
    content = EXPOSITION.encode()
    response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content
    with tiny_server(lambda _: [response]) as server:
        assert server.process.metrics() == samples_of(EXPOSITION)
    assert server.requests[0].startswith(b"GET /metrics ")


def test_processor_time_and_memory_are_those_of_the_process() -> None:
    server = BenchServer(1, psutil.Process())
    before = server.cpu_seconds
    sum(range(2_000_000))
    assert server.cpu_seconds > before > 0
    assert server.memory > 1 << 20


def test_an_empty_setting_takes_a_variable_away() -> None:
    found = environment({"KEPT": "1", "GONE": "2"}, 99, {"GONE": "", "NEW": "3"})
    assert (found["KEPT"], found["NEW"], found["XCOPA_PORT"]) == ("1", "3", "99")
    assert "GONE" not in found


def test_a_log_level_of_the_user_is_kept() -> None:
    assert environment({}, 1, {})["XCOPA_LOG_LEVEL"] == "warning"
    assert environment({"XCOPA_LOG_LEVEL": "info"}, 1, {})["XCOPA_LOG_LEVEL"] == "info"


def test_the_keys_of_the_user_refused_the_calls_of_every_benchmark() -> None:
    """A service that is started to be measured has no keys, unless they are what is measured."""
    own = {"XCOPA_API_KEYS_FILE": "keys"}
    assert "XCOPA_API_KEYS_FILE" not in environment(own, 1, {})
    assert environment(own, 1, {"XCOPA_API_KEYS_FILE": "x"})["XCOPA_API_KEYS_FILE"] == "x"


def test_a_server_answers_its_probe_and_is_ended_afterwards() -> None:
    with started(("-c", ECHO), probe="/READY", READY="yes", HOME="") as server:
        with server.client(1) as client:
            assert read(client, "/READY") == (200, "yes")
            assert read(client, "/HOME")[0] == 404
        assert server.process.is_running()
    assert not server.process.is_running()


def test_a_server_that_closes_connections_until_it_is_ready_is_waited_for() -> None:
    started_server = started(("-c", CLOSING), probe="/READY", READY="yes")
    with started_server as server, server.client(1) as client:
        assert read(client, "/READY") == (200, "yes")


def test_processes_that_have_ended_meanwhile_are_left_out() -> None:
    def ended() -> float:
        raise psutil.NoSuchProcess(1)

    assert _of_living([lambda: 1.0, ended, lambda: 2.0]) == [1.0, 2.0]


def test_a_server_is_ended_when_the_measurement_fails() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        started(("-c", ECHO), probe="/READY", READY="yes") as server,
    ):
        _ = 1 / 0
    assert not server.process.is_running()


def test_a_server_that_ends_at_once_is_said_to_have_not_started() -> None:
    with pytest.raises(SystemExit, match="did not start"), started(("-c", "")):
        pass


def test_what_a_server_leaves_behind_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.bench.servers.END_LIMIT_S", 0.5)
    with started(("-c", CARELESS), probe="/READY", READY="yes") as server:
        [child] = server.process.children()
    psutil.wait_procs([child], timeout=30)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_server_is_ended_by_the_signal_of_its_kind() -> None:
    with started(("-c", INTERRUPTED), probe="/READY", stop=signal.SIGINT, READY="yes") as server:
        pass
    assert not server.process.is_running()


def test_a_server_runs_on_the_interpreter_that_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    with started(("-c", ECHO), probe="/READY", python=python, READY="yes") as server:
        assert server.process.cmdline()[0] == str(python)


def test_a_paused_server_stands_still_until_it_may_go_on() -> None:
    with started(("-c", ECHO), probe="/READY", READY="yes") as server:
        server.pause()
        with server.client(1, timeout=0.2) as client, pytest.raises(OSError, match="timed out"):
            client.get("/READY")
        server.resume()
        with server.client(1) as client:
            assert read(client, "/READY") == (200, "yes")


def test_every_server_finds_its_port() -> None:
    found = environment({}, 99, {})
    assert {found[name] for name in PORTS} == {"99"}


def test_uvicorn_serves_quietly() -> None:
    arguments = uvicorn("module:app", "--factory")
    assert arguments[:3] == ("-m", "uvicorn", "module:app")
    assert {"--no-access-log", "--factory"} <= set(arguments)
