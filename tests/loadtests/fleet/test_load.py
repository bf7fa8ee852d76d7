"""The load sees what breaks: it does not send a call a second time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from loadtests.bench.light_client import LightClient
from loadtests.fleet import load
from loadtests.fleet.load import FleetLoad, saturated_rate

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class ScriptedServer:
    """Takes connections; answers so many requests on each, and then closes it without a word."""

    def __init__(self, answers: int) -> None:
        self.requests = 0
        self._answers = answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with closing(connection):
            for _ in range(self._answers):
                if not connection.recv(65536):
                    return
                self.requests += 1
                connection.sendall(ANSWER)
            if connection.recv(65536):
                self.requests += 1

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def breaking() -> Iterator[ScriptedServer]:
    server = ScriptedServer(answers=1)
    yield server
    server.close()


@pytest.mark.parametrize(("second_try", "answered"), [(True, True), (False, False)])
def test_a_kept_connection_that_breaks_is_seen_or_tried_again(
    breaking: ScriptedServer, second_try: bool, answered: bool
) -> None:
    client = LightClient(breaking.port, timeout=30, second_try=second_try)
    request = client.request("/", b"{}", {})
    assert client.ask(request)[0] == 200
    if answered:
        assert client.ask(request)[0] == 200
    else:
        with pytest.raises(OSError, match="closed before the end"):
            client.ask(request)
    client.close()


def test_a_kept_connection_that_was_closed_before_is_no_failure() -> None:
    server = ScriptedServer(answers=0)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b""  # closed by the server
        client = LightClient(server.port, timeout=30, second_try=False)
        client._free.append(connection)
        assert client._open() is None
    server.close()


def test_the_load_goes_on_until_it_is_told_and_waits_for_its_calls() -> None:
    server = ScriptedServer(answers=1_000_000)
    with FleetLoad(server.port, [b"{}"], {}, rate=200) as going:
        while len(going.calls) < 20:
            threading.Event().wait(0.01)
    assert {call.status for call in going.calls} == {200}
    assert len(going.calls) == server.requests
    server.close()


def test_calls_that_break_are_kept_as_such(breaking: ScriptedServer) -> None:
    with FleetLoad(breaking.port, [b"{}"], {}, rate=200) as going:
        while len(going.calls) < 20:
            threading.Event().wait(0.01)
    assert {call.status for call in going.calls} == {0, 200}


def test_a_saturated_server_answers_at_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "WARM_UP_S", 0.1)
    server = ScriptedServer(answers=1_000_000)
    assert saturated_rate(server.port, [b"{}"], {}, callers=2, seconds=0.2) > 1
    server.close()


def test_the_capacity_is_that_of_services_that_are_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fresh services answered counted: 70 % of it was less than that of the capacity."""
    rates = iter([1.0, 9.0])
    lasted = []

    def answered(_: LightClient, requests: Sequence[bytes], callers: int, seconds: float) -> float:
        lasted.append(seconds)
        return next(rates)

    monkeypatch.setattr(load, "_answered_rate", answered)
    assert saturated_rate(1, [b"{}"], {}, callers=2, seconds=20.0) == 9.0
    assert lasted == [load.WARM_UP_S, 20.0]
