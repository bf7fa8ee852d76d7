"""Whatever collectors, clients and hubs do: after SIGTERM the process exits with 0, and soon.

The bounds are generous, since tests share their machine. What held the exit did so for 30 s, or
for ever.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.server import ServerProcess

ITEM = {
    "premise": "The street lights went out.",
    "choice1": "A storm came.",
    "choice2": "It was noon.",
    "question": "cause",
}
SOON_S = 15
"""5 s for responses, 2 s for spans, and a machine with other work."""


@pytest.fixture
def sources(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


def exits_soon(server: ServerProcess) -> None:
    told = time.monotonic()
    server.terminate()
    assert server.exit_status() == 0, server.output
    assert time.monotonic() - told < SOON_S


def nobody() -> tuple[str, Callable[[], None]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}", lambda: None


def silent() -> tuple[str, Callable[[], None]]:
    """Connections are accepted by the system, and nobody ever reads them."""
    server = socket.create_server(("127.0.0.1", 0))
    return f"http://127.0.0.1:{server.getsockname()[1]}", server.close


def unresolvable() -> tuple[str, Callable[[], None]]:
    return "http://no-such-host.invalid:4318", lambda: None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("collector", "protocol"),
    [(nobody, "http/protobuf"), (silent, "grpc"), (unresolvable, "http/protobuf")],
)
def test_a_collector_that_takes_no_spans_does_not_hold_the_exit(
    collector: Callable[[], tuple[str, Callable[[], None]]],
    protocol: str,
    sources: dict[str, str],
) -> None:
    endpoint, close = collector()
    settings = {
        **sources,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }
    with ServerProcess(**settings) as server:
        with httpx.Client(base_url=server.wait_until_ready().url, timeout=60) as client:
            for _ in range(300):
                assert client.post("/predict/xcopa", json=ITEM).status_code == 200
        exits_soon(server)
        assert any("did not take the last spans" in line for line in server.output)
    close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http/json",
            "no traces are sent; .* OTEL_EXPORTER_OTLP_PROTOCOL",
        ),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "no traces are sent; .*max_queue_size"),
        ("OTEL_PROPAGATORS", "no-such-one", "OTEL_PROPAGATORS is ignored: .*no-such-one"),
    ],
)
def test_a_variable_of_opentelemetry_that_is_wrong_is_named_and_the_service_serves(
    name: str, value: str, says: str, sources: dict[str, str]
) -> None:
    settings = {**sources, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", name: value}
    with ServerProcess(**settings) as server:
        server.wait_for_line(says)
        url = server.wait_until_ready().url
        assert httpx.post(f"{url}/predict/xcopa", json=ITEM).status_code == 200
        assert not any("Traceback" in line for line in server.output)


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    address = urlsplit(url)
    with socket.socket() as client:
        # Small, so that an answer that is not read soon fills it.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((address.hostname, address.port))
        yield client


def request(method: str, path: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.slow
def test_clients_that_are_idle_half_sent_or_read_nothing_do_not_hold_the_exit(
    sources: dict[str, str],
) -> None:
    with ServerProcess(**sources) as server, ExitStack() as stack:
        url = server.wait_until_ready().url
        idle, half, deaf = (stack.enter_context(connected(url)) for _ in range(3))
        idle.sendall(request("GET", "/livez"))
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        half.sendall(request("POST", "/predict/xcopa", json.dumps(ITEM).encode())[:-5])
        # Their answers are more than the buffers hold.
        deaf.sendall(request("GET", "/metrics") * 500)
        exits_soon(server)


def test_a_hub_that_stops_in_the_middle_of_a_file_does_not_hold_the_exit(
    tiny_direct: Path, tmp_path: Path
) -> None:
    """Its download runs on threads that Python waits for."""
    with StoppingHub() as hub:
        settings = {
            "XCOPA_MODELS__DIRECT": str(tiny_direct),
            "XCOPA_MODELS__STILTS": "someone/model",
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "300",
        }
        with ServerProcess(**settings) as server:
            assert hub.stopped.wait(120), server.output
            exits_soon(server)


class StoppingHub:
    """A hub with one model, whose file it never finishes sending."""

    COMMIT = "0" * 40

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._held: list[socket.socket] = []

    def __enter__(self) -> StoppingHub:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for each in self._held:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._held.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            while line := lines.readline():
                method, path, _ = line.decode().split()
                while lines.readline().strip():
                    pass
                self._answer(connection, method, path)

    def _answer(self, connection: socket.socket, method: str, path: str) -> None:
        if "/resolve/" not in path:
            model = {"id": "someone/model", "sha": self.COMMIT, "siblings": []}
            file = {"type": "file", "path": "config.json", "size": 1000, "oid": "abc"}
            body = json.dumps([file] if "/tree/" in path else model)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
            connection.sendall(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())
            return
        head = f"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nX-Repo-Commit: {self.COMMIT}\r\n"
        connection.sendall(f'{head}ETag: "abc"\r\n\r\n'.encode())
        if method == "GET":
            connection.sendall(b"{")
            self.stopped.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_program_is_still_being_imported_ends_it_with_0(number: int) -> None:
    with ServerProcess(XCOPA_NO_SETTING="said before the imports") as server:
        server.wait_for_line("XCOPA_NO_SETTING")
        server.process.send_signal(number)
        assert server.exit_status() == 0, server.output
        assert not any("Traceback" in line for line in server.output)


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(3))
def test_a_signal_while_torch_loads_the_models_does_not_abort(
    moment: int, embedded_base: Path
) -> None:
    """Python stops daemon threads where they are; one inside of C++ would abort the process."""
    with ServerProcess() as server:
        server.wait_for_line("a forward pass uses")
        time.sleep(0.3 * moment)
        exits_soon(server)
        aborted = re.compile("terminate called|Fatal Python error|core dumped")
        assert not [line for line in server.output if aborted.search(line)]
