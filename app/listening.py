"""The sockets of the service, bound before the models load, or one line that says why not."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Any

from app.errors import StartError

_ANY_IPV6 = "::"
_BELOW_ANY_USER = 1024


@dataclass(frozen=True)
class AddressVariables:
    """The variables that say where to listen."""

    host: str = "XCOPA_HOST"
    port: str = "XCOPA_PORT"


MAIN = AddressVariables()
METRICS = AddressVariables("XCOPA_METRICS_HOST", "XCOPA_METRICS_PORT")


def listen(host: str, port: int, variables: AddressVariables = MAIN) -> list[socket.socket]:
    """Bind a socket to every address of a host; ``::`` is IPv4 too where the system allows it.

    Args:
        host: a name, or an address, with or without the brackets that IPv6 has in URLs.
        port: 0 picks a free one, the same for every address.
        variables: what an error names.

    Raises:
        StartError: it cannot be bound; the message names the variable to change.
    """
    bound: list[socket.socket] = []
    try:
        for family, address in _addresses(host.strip("[]"), port):
            # What port 0 picked for the first address is the port of all.
            chosen = bound[0].getsockname()[1] if bound else address[1]
            bound.append(_bind(family, (address[0], chosen, *address[2:])))
    except OSError as error:
        for each in bound:
            each.close()
        raise StartError(_reason(error, host, port, variables)) from error
    return bound


_SO_ATTACH_FILTER = 26
_DROP = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A packet filter of one instruction (see bpf(4)): return 0, the bytes of a packet to keep."""


def admit_nobody(listening: socket.socket) -> None:
    """Have the system drop what asks to connect, where it can; who has connected is still there.

    Without it somebody may connect after the last ``accept`` and before the close, which resets
    that connection. Whoever is dropped tries again after a second, and is refused.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(_DROP)
    with contextlib.suppress(OSError):
        listening.setsockopt(
            socket.SOL_SOCKET,
            _SO_ATTACH_FILTER,
            struct.pack("HP", 1, ctypes.addressof(program)),
        )


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError as error:  # a label that is empty or too long
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bind(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restart takes over the port although connections of the last run linger.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            alone = address[0] != _ANY_IPV6 or not socket.has_dualstack_ipv6()
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(alone))
        made.bind(address)
        # Linux lets two sockets be bound to one port until one of them listens.
        made.listen()
    except BaseException:
        made.close()
        raise
    return made


def _reason(error: OSError, host: str, port: int, variables: AddressVariables) -> str:
    if isinstance(error, socket.gaierror):
        return (
            f"{variables.host}: {host!r} cannot be resolved ({error.strerror}); "
            "0.0.0.0 is every address of this machine"
        )
    if error.errno == errno.EADDRINUSE:
        return (
            f"{variables.port}: port {port} of {host} is taken by another process; choose another "
            "port, or 0 for one that is free"
        )
    if error.errno in (errno.EACCES, errno.EPERM) and port < _BELOW_ANY_USER:
        return f"{variables.port}: this user may not listen on port {port}; choose one from 1024 on"
    if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return (
            f"{variables.host}: {host} is no address of this machine; 0.0.0.0 is every one that "
            "it has"
        )
    place = f"{host}, port {port}"
    return f"{variables.host}, {variables.port}: cannot listen on {place}: {error.strerror}"
