"""A place to listen at, or one line that names the variable to change."""

from __future__ import annotations

import errno
import socket
import sys

import pytest

from app.errors import StartError
from app.listening import METRICS, admit_nobody, listen

HAS_IPV6 = socket.has_dualstack_ipv6()


def close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def refused(host: str, port: int) -> str:
    with pytest.raises(StartError) as error:
        close(listen(host, port))
    return str(error.value)


def test_a_port_that_is_taken_is_said_with_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refused("127.0.0.1", port)
    assert line.startswith("XCOPA_PORT: ")
    assert f"port {port} of 127.0.0.1 is taken" in line


def test_an_error_names_the_variables_of_its_own_port() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(StartError, match=r"^XCOPA_METRICS_PORT: port \d+ of 127.0.0.1 is taken"),
    ):
        listen("127.0.0.1", other.getsockname()[1], METRICS)
    with pytest.raises(StartError, match=r"^XCOPA_METRICS_HOST: 192"):
        listen("192.0.2.7", 0, METRICS)


def test_a_second_service_that_has_not_answered_yet_counts_too() -> None:
    first = listen("127.0.0.1", 0)
    assert "is taken" in refused("127.0.0.1", first[0].getsockname()[1])
    close(first)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "http://0.0.0.0", "a..b", "x" * 70])
def test_a_host_that_cannot_be_resolved_is_named(host: str) -> None:
    line = refused(host, 0)
    assert line.startswith(f"XCOPA_HOST: {host!r} cannot be resolved")
    assert "every address of this machine" in line


def test_an_address_of_another_machine_is_named() -> None:
    assert refused("192.0.2.7", 0).startswith("XCOPA_HOST: 192.0.2.7 is no address of this machine")


@pytest.mark.parametrize(
    ("number", "port", "says"),
    [
        (errno.EACCES, 80, "XCOPA_PORT: this user may not listen on port 80; choose one from 1024"),
        (errno.EAFNOSUPPORT, 8000, "XCOPA_HOST: 127.0.0.1 is no address of this machine"),
        (errno.EMFILE, 8000, "XCOPA_HOST, XCOPA_PORT: cannot listen on 127.0.0.1, port 8000"),
    ],
)
def test_what_the_system_refuses_names_the_variable(
    number: int, port: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, who may listen anywhere."""

    def bind(made: socket.socket, address: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(socket.socket, "bind", bind)
    assert refused("127.0.0.1", port).startswith(says)


@pytest.mark.skipif(not HAS_IPV6, reason="this system has no IPv6")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_ipv6_address_is_taken_with_or_without_brackets(host: str) -> None:
    [bound] = listen(host, 0)
    with bound, socket.create_connection(("::1", bound.getsockname()[1])):
        assert bound.family == socket.AF_INET6


@pytest.mark.skipif(not HAS_IPV6, reason="this system has no IPv6")
def test_every_ipv6_address_is_every_ipv4_one_too() -> None:
    [bound] = listen("::", 0)
    port = bound.getsockname()[1]
    with bound:
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port)).close()


def test_the_addresses_of_one_name_share_the_port_that_was_picked() -> None:
    sockets = listen("localhost", 0)
    assert len({each.getsockname()[1] for each in sockets}) == 1
    close(sockets)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters what asks to connect")
def test_nobody_connects_to_a_socket_that_admits_nobody_and_who_had_connected_is_there() -> None:
    [listening] = listen("127.0.0.1", 0)
    with listening, socket.socket() as early, socket.socket() as late:
        early.connect(listening.getsockname())
        admit_nobody(listening)
        late.settimeout(0.2)
        with pytest.raises(TimeoutError):
            late.connect(listening.getsockname())
        listening.setblocking(False)
        accepted, address = listening.accept()
        with accepted:
            assert address == early.getsockname()
            with pytest.raises(BlockingIOError):
                listening.accept()
