"""What a caller controls has a limit, and those who reach it keep nobody else out."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.certificates import Authority
from tests.e2e.raw import ANYBODY, BODY, HANG_S, PREDICT, RawConnection, ask, chunked, post
from tests.e2e.server import ServerProcess

MOST_CONNECTIONS = 60
RECEIVE_S = 1.0
PROBE_S = 1.0
"""What a probe may take throughout: Kubernetes' own default."""


@pytest.fixture(scope="module", params=["http", pytest.param("https", marks=pytest.mark.slow)])
def strict(
    tiny_direct: Path, tiny_stilts: Path, authority: Authority, request: pytest.FixtureRequest
) -> Iterator[ServerProcess]:
    tls = authority.issue("limits", "127.0.0.1").settings if request.param == "https" else {}
    settings = {
        **tls,
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_MAX_CONNECTIONS": str(MOST_CONNECTIONS),
        "XCOPA_RECEIVE_TIMEOUT_S": str(RECEIVE_S),
        "XCOPA_MAX_BUFFERED_BYTES": "3000000",
    }
    with ServerProcess(**settings) as server:
        yield server.wait_until_ready()


@pytest.fixture(scope="module")
def url(strict: ServerProcess) -> str:
    return strict.url


def memory(url: str) -> float:
    text = httpx.get(f"{url}/metrics", verify=ANYBODY).text
    [line] = [line for line in text.splitlines() if line.startswith("process_resident_memory")]
    return float(line.split()[1])


def counted(url: str, status: int) -> float:
    wanted = f'xcopa_http_requests_total{{route="unparsed",status="{status}"}}'
    lines = httpx.get(f"{url}/metrics", verify=ANYBODY).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(wanted))


# Heads ------------------------------------------------------------------------------------------


def test_keys_of_a_megabyte_are_431_and_are_not_kept(url: str) -> None:
    """150 calls with an X-API-Key of a megabyte each left 244 MB behind."""
    before = memory(url)
    for number in range(150):
        key = b"X-API-Key: %d" % number + bytes([65 + number % 26]) * 1_000_000 + b"\r\n"
        answer = ask(url, post(key))
        assert answer.status == 431
        assert "32768 bytes" in answer.json()["detail"]
    assert memory(url) - before < 50_000_000
    assert counted(url, 431) >= 150


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /" + b"a" * 400_000, 414),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n", 431),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"A" * 400_000, 431),
        (PREDICT + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"T: r\r\n" * 100_000, 431),
        (PREDICT + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 600_000, 431),
        (PREDICT + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"e" * 600_000, 431),
    ],
    ids=["target", "endless target", "lines", "endless line", "trailers", "size", "extension"],
)
def test_a_head_without_end_is_refused(url: str, head: bytes, status: int) -> None:
    with RawConnection(url) as connection:
        answer = connection.send(head).answer()
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert connection.ended()


def test_a_head_as_large_as_proxies_pass_on_is_read(url: str) -> None:
    assert ask(url, post(b"X-Long: " + b"x" * 31_000 + b"\r\n")).status == 200


def test_a_thousand_ranges_of_a_file_cost_no_time(url: str) -> None:
    ranges = ",".join(f"{2 * each}-{2 * each}" for each in range(2_500))
    path = f"{url}/static-offline-docs/swagger-ui-bundle.js"
    response = httpx.get(path, verify=ANYBODY, headers={"Range": f"bytes={ranges}"}, timeout=HANG_S)
    assert response.status_code in (200, 206, 400, 416)


# Time -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part",
    [b"G", b"GET /livez HTTP/1.1\r\nHost: x\r\n", post()[:-1], PREDICT + b"Content-Length: 5\r\n"],
    ids=["a letter", "a head", "a body", "a head with a body to come"],
)
def test_a_request_that_stops_halfway_is_408(url: str, part: bytes) -> None:
    with RawConnection(url) as connection:
        answer = connection.send(part).answer()
        assert answer.status == 408
        assert "1 s" in answer.json()["detail"]
        assert connection.ended()


def test_a_request_that_trickles_is_408_however_steady(url: str) -> None:
    """A byte now and then kept a connection open for ever: each began the time anew."""
    with RawConnection(url) as connection:
        answered = threading.Event()

        def trickle() -> None:
            with contextlib.suppress(OSError):
                connection.send(PREDICT + b"Transfer-Encoding: chunked\r\n\r\n")
                while not answered.wait(0.05):
                    connection.send(b"1\r\n \r\n")

        sender = threading.Thread(target=trickle)
        sender.start()
        try:
            assert connection.answer().status == 408
        finally:
            answered.set()
            sender.join()


def test_empty_lines_keep_no_connection_open(url: str) -> None:
    with RawConnection(url) as connection:
        assert connection.send(b"\r\n").ended()


def test_a_request_after_a_long_pause_has_its_whole_time(url: str) -> None:
    with RawConnection(url) as connection:
        assert connection.send(post()).answer().status == 200
        time.sleep(RECEIVE_S * 1.5)  # idle, and so under the other limit
        connection.send(PREDICT + b"Transfer-Encoding: chunked\r\n\r\n")
        time.sleep(RECEIVE_S / 3)
        assert connection.send(chunked()).answer().status == 200


def test_who_does_not_read_the_answers_is_let_go(url: str) -> None:
    with RawConnection(url) as connection:
        page = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
        with pytest.raises((BrokenPipeError, ConnectionResetError, ssl.SSLEOFError)):
            connection.send(page * 200_000)


# Connections ------------------------------------------------------------------------------------


def open_files(server: ServerProcess) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


class Probing:
    """Asks /livez and /readyz, each time anew, and notes the longest answer."""

    def __init__(self, url: str) -> None:
        self.longest = 0.0
        self.wrong: list[object] = []
        self.count = 0
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._probe)

    def _probe(self) -> None:
        while not self._stop.wait(0.02):
            for path in ("/livez", "/readyz"):
                began = time.monotonic()
                try:
                    status: object = httpx.get(
                        self._url + path, timeout=HANG_S, verify=ANYBODY
                    ).status_code
                except httpx.HTTPError as error:
                    status = error
                self.longest = max(self.longest, time.monotonic() - began)
                self.count += 1
                if status != 200:
                    self.wrong.append(status)

    def __enter__(self) -> Probing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


ATTACKS = {
    "connections that say nothing": b"",
    "heads that never end": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: ",
    "bodies that never end": PREDICT + b"Content-Length: 900000\r\n\r\n" + b" " * 50_000,
    "bodies in endless chunks": PREDICT + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n",
}


@pytest.mark.parametrize("opening", ATTACKS.values(), ids=ATTACKS)
def test_probes_answer_while_slow_clients_take_every_connection(
    strict: ServerProcess, opening: bytes
) -> None:
    before = memory(strict.url)
    with ExitStack() as stack, Probing(strict.url) as probing:
        slow: list[socket.socket] = []
        for _ in range(8 * MOST_CONNECTIONS):
            made = stack.enter_context(RawConnection(strict.url))
            slow.append(made.socket)
            with contextlib.suppress(OSError):
                made.send(opening)
        for _ in range(10):
            for each in slow:
                with contextlib.suppress(OSError):
                    each.send(b"a")
        assert ask(strict.url, post()).status == 200
        assert open_files(strict) < MOST_CONNECTIONS + 128
        assert memory(strict.url) - before < 60_000_000
    assert probing.wrong == []
    assert probing.count > 0
    assert probing.longest < PROBE_S


def test_bodies_that_wait_for_their_end_are_bounded_together(url: str) -> None:
    """Each is within the limit of a body; all of them together are not."""
    with ExitStack() as stack:
        begun = [stack.enter_context(RawConnection(url)) for _ in range(10)]
        for connection in begun:
            with contextlib.suppress(OSError):
                connection.send(PREDICT + b"Content-Length: 1000000\r\n\r\n" + b" " * 900_000)
        assert begun[0].ended()
        assert ask(url, post()).status == 200
        padding = b" " * (1_000_000 - len(BODY))
        rest = padding[900_000:] + BODY
        assert begun[-1].send(rest).answer().status == 200


@pytest.mark.slow
def test_a_client_at_rest_gives_way_and_one_whose_call_runs_does_not(
    tiny_direct: Path, tiny_stilts: Path
) -> None:
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_MAX_CONNECTIONS": "2",
        "XCOPA_MAX_WAIT_MS": "1500",
    }
    with ServerProcess(**settings) as server:
        url = server.wait_until_ready().url
        with RawConnection(url) as working, RawConnection(url) as watching:
            working.send(post())
            metrics = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
            while b'xcopa_queue_items{model="stilts"} 1.0' not in (
                watching.send(metrics).answer().body
            ):
                pass
            assert ask(url, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
            assert watching.ended()
            assert working.answer().status == 200


@pytest.mark.slow
def test_sigterm_does_not_wait_for_clients_that_send_slowly(
    tiny_direct: Path, tiny_stilts: Path
) -> None:
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
    }
    with ServerProcess(**settings) as server, ExitStack() as stack:
        url = server.wait_until_ready().url
        for opening in ATTACKS.values():
            stack.enter_context(RawConnection(url)).send(opening)
        lingering = stack.enter_context(RawConnection(url))
        assert lingering.send(PREDICT + b"Content-Length: 9000000\r\n\r\n").answer().status == 413
        halfway = stack.enter_context(RawConnection(url)).send(post()[:-1])
        behind = stack.enter_context(RawConnection(url)).send(post() + post()[:-1])
        assert behind.answer().status == 200
        began = time.monotonic()
        server.terminate()
        for connection in (halfway, behind):
            assert connection.answer().status == 503
            assert connection.ended()
        assert server.exit_status() == 0
        assert time.monotonic() - began < 20
