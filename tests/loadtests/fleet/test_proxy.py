"""HAProxy takes the configuration, and does what its comments say."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from loadtests.bench.servers import free_port
from loadtests.fleet.proxy import CONFIG, NAMES, FleetProxy, running_proxy, variables
from loadtests.fleet.replica import FleetError, FleetReplica

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="no haproxy here")


class StandInReplica:
    """Answers probes with one status and calls with another, or not at all; counts the calls."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.status = 200
        self.breaks = False

    @contextmanager
    def serving(self) -> Iterator[FleetReplica]:
        own = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def do_POST(self) -> None:
                own.calls += 1
                self.rfile.read(int(self.headers["Content-Length"]))
                if own.breaks:
                    self.close_connection = True
                    return
                self.send_response(own.status)
                self.send_header("X-Replica", own.name)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield FleetReplica(self.name, {}, port=server.server_address[1])
            server.shutdown()


Shown = tuple[FleetProxy, dict[str, StandInReplica]]


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    """A proxy in front of one and two; nobody is at the address of three."""
    one, two = (StandInReplica(name) for name in NAMES[:2])
    with one.serving() as first, two.serving() as second:
        gone = FleetReplica(NAMES[2], {}, port=free_port())
        with running_proxy([first, second, gone], tmp_path) as proxy:
            while proxy.is_up("three"):  # until the first checks, all are believed to be
                time.sleep(0.05)
            yield proxy, {"one": one, "two": two}


def ask(proxy: FleetProxy, body: bytes = b"{}") -> httpx.Response:
    return httpx.post(f"http://127.0.0.1:{proxy.port}/predict/xcopa", content=body, timeout=30)


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    addresses = {name: f"127.0.0.1:{number}" for number, name in enumerate(NAMES, 1)}
    own = variables(addresses, "127.0.0.1:8000", "127.0.0.1:8404", tmp_path / "socket")
    done = subprocess.run(
        ["haproxy", "-c", "-f", str(CONFIG)],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_every_variable_that_it_reads_is_given(tmp_path: Path) -> None:
    text = CONFIG.read_text(encoding="utf-8")
    own = variables(dict.fromkeys(NAMES, "127.0.0.1:1"), "a", "b", tmp_path)
    assert [name for name in own if f'"${{{name}}}"' not in text] == []
    assert text.count("${") == len(own)


def test_a_call_that_is_refused_with_503_goes_to_another(shown: Shown) -> None:
    proxy, replicas = shown
    replicas["one"].status = 503
    answers = [ask(proxy) for _ in range(6)]
    assert {each.status_code for each in answers} == {200}
    assert {each.headers["x-replica"] for each in answers} == {"two"}
    assert replicas["one"].calls


def test_a_call_that_fits_no_buffer_is_not_sent_again(shown: Shown) -> None:
    proxy, replicas = shown
    replicas["one"].status = replicas["two"].status = 503
    ask(proxy, b"x" * 200_000)
    assert replicas["one"].calls + replicas["two"].calls == 1


def test_a_call_that_every_service_gives_up_is_sent_again_at_most_three_times(shown: Shown) -> None:
    proxy, replicas = shown
    replicas["one"].status = replicas["two"].status = 503
    assert ask(proxy).status_code == 503
    assert 1 < replicas["one"].calls + replicas["two"].calls <= 1 + 3


@pytest.mark.parametrize("status", [429, 500, 504])
def test_no_other_status_than_503_is_sent_again(shown: Shown, status: int) -> None:
    proxy, replicas = shown
    replicas["one"].status = replicas["two"].status = status
    assert ask(proxy).status_code == status
    assert replicas["one"].calls + replicas["two"].calls == 1


def test_a_replica_that_dies_with_a_call_fails_that_call_alone(shown: Shown) -> None:
    proxy, replicas = shown
    replicas["one"].breaks = replicas["two"].breaks = True
    assert ask(proxy).status_code == 502
    assert replicas["one"].calls + replicas["two"].calls == 1


def test_a_drained_replica_gets_no_call_until_it_is_put_back(shown: Shown) -> None:
    proxy, replicas = shown
    proxy.set_state("one", "drain")
    for _ in range(6):
        ask(proxy)
    assert (replicas["one"].calls, replicas["two"].calls) == (0, 6)
    assert not proxy.is_up("one")
    proxy.set_state("one", "ready")
    proxy.wait_until_up("one")
    for _ in range(6):
        ask(proxy)
    assert replicas["one"].calls


def test_nothing_is_held_where_nobody_waits(shown: Shown) -> None:
    proxy, _ = shown
    ask(proxy)
    assert [proxy.held(name) for name in NAMES] == [0, 0, 0]


def test_what_haproxy_refuses_is_told(shown: Shown) -> None:
    proxy, _ = shown
    with pytest.raises(FleetError, match="HAProxy"):
        proxy.set_state("four", "drain")


def test_prometheus_finds_the_metrics_of_the_proxy(shown: Shown) -> None:
    proxy, _ = shown
    found = httpx.get(f"http://127.0.0.1:{proxy.metrics_port}/metrics").text
    assert 'haproxy_server_status{proxy="services",server="one"' in found


def test_without_haproxy_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    none: Callable[[str], None] = lambda program: None  # noqa: E731
    monkeypatch.setattr(shutil, "which", none)
    with pytest.raises(FleetError, match="apt-get install haproxy"), running_proxy([], tmp_path):
        pass
