"""An open load on the fleet, on a thread of its own, until it is told to stop."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import gevent

from loadtests.bench.light_client import LightClient
from loadtests.bench.open_load import HUNG_S, SEED, due_times

PATH = "/predict/xcopa"

WARM_UP_S = 5.0
"""Services that have just started answer more slowly for a while."""


@dataclass(frozen=True)
class FleetCall:
    """One call: when it was due, how long the answer took from then on, and its status."""

    due: float
    """Of ``time.monotonic``."""
    seconds: float
    status: int
    """0 is a connection that broke."""

    @property
    def ended(self) -> float:
        """When it was answered, or broke."""
        return self.due + self.seconds


@dataclass
class FleetLoad:
    """Sends calls through the proxy at random times and keeps what became of each.

    A call that fails is not sent again: the callers see all that the proxy lets through.

    Args:
        port: of the proxy.
        bodies: of the calls; each takes one at random.
        headers: of each call.
        rate: calls per second, on average.
    """

    port: int
    bodies: Sequence[bytes]
    headers: Mapping[str, str]
    rate: float
    calls: list[FleetCall] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> FleetLoad:
        self._thread = threading.Thread(target=self._run, name="fleet-load")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        # Made here: gevent's sockets belong to the thread that made them.
        client = LightClient(self.port, timeout=3 * HUNG_S, second_try=False)
        requests = [client.request(PATH, each, self.headers) for each in self.bodies]
        chance = random.Random(SEED)  # noqa: S311 - times, no secret
        began, waiting = time.monotonic(), set[gevent.Greenlet]()
        for offset in due_times(self.rate, math.inf, chance):
            gevent.sleep(max(0.0, began + offset - time.monotonic()))
            if self._ended.is_set():
                break
            call = gevent.spawn(self._call, client, chance.choice(requests), began + offset)
            waiting.add(call)
            call.rawlink(waiting.discard)
        gevent.joinall(list(waiting))
        client.close()

    def _call(self, client: LightClient, request: bytes, due: float) -> None:
        try:
            status, _ = client.ask(request)
        except OSError:
            status = 0
        self.calls.append(FleetCall(due, time.monotonic() - due, status))


def saturated_rate(
    port: int, bodies: Sequence[bytes], headers: Mapping[str, str], callers: int, seconds: float
) -> float:
    """Return how many calls a second are answered while so many callers ask without a pause.

    They ask for ``WARM_UP_S`` before that.

    Raises:
        OSError: a connection broke.
    """
    client = LightClient(port, timeout=3 * HUNG_S, second_try=False)
    requests = [client.request(PATH, each, headers) for each in bodies]
    _answered_rate(client, requests, callers, WARM_UP_S)
    rate = _answered_rate(client, requests, callers, seconds)
    client.close()
    return rate


def _answered_rate(
    client: LightClient, requests: Sequence[bytes], callers: int, seconds: float
) -> float:
    answered = 0
    began = time.monotonic()

    def caller(turn: int) -> None:
        nonlocal answered
        while time.monotonic() < began + seconds:
            status, _ = client.ask(requests[turn % len(requests)])
            answered += status == HTTPStatus.OK
            turn += callers

    gevent.joinall([gevent.spawn(caller, turn) for turn in range(callers)], raise_error=True)
    return answered / (time.monotonic() - began)
