"""An open load: requests at random times, whether or not earlier ones have been answered."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import gevent

from loadtests.bench.light_client import LightClient

HUNG_S = 10.0
"""A request that takes longer hangs."""

SEED = 11


@dataclass(frozen=True)
class Arrival:
    """One request: its status (0 when there was no response), its seconds, its ``Retry-After``."""

    status: int
    seconds: float
    retry_after: str


def due_times(rate: float, seconds: float, chance: random.Random) -> Iterator[float]:
    """Yield when requests are due (a Poisson process), in seconds from the beginning.

    Args:
        rate: requests per second, on average.
        seconds: no request is due later.
        chance: where the gaps come from.
    """
    due = 0.0
    while due < seconds:
        yield due
        due += chance.expovariate(rate)


@dataclass
class OpenLoad:
    """Sends requests and keeps what became of each, in the order of their ends.

    Args:
        client: sends them; closed by ``wait``.
        requests: as they go over the wire; each arrival takes one at random.
    """

    client: LightClient
    requests: Sequence[bytes]
    arrivals: list[Arrival] = field(default_factory=list)
    _waiting: list[gevent.Greenlet] = field(default_factory=list)

    @classmethod
    def to(
        cls, port: int, path: str, bodies: Sequence[bytes], headers: Mapping[str, str]
    ) -> OpenLoad:
        """Make the load of these bodies on a server of this machine.

        Nothing is sent twice: a request whose connection breaks has no response.
        """
        client = LightClient(port, timeout=2 * HUNG_S, second_try=False)
        return cls(client, [client.request(path, each, headers) for each in bodies])

    def send(self, rate: float, seconds: float) -> None:
        """Send requests for some seconds, without waiting for the responses."""
        chance = random.Random(SEED)  # noqa: S311 - times, no secret
        began = time.monotonic()
        for offset in due_times(rate, seconds, chance):
            due = began + offset
            gevent.sleep(max(0.0, due - time.monotonic()))
            self._waiting.append(gevent.spawn(self._arrive, chance.choice(self.requests), due))

    def wait(self) -> None:
        """Wait for the last response, or until it is sure to hang: then there is none."""
        gevent.joinall(self._waiting, timeout=3 * HUNG_S)
        gevent.killall(self._waiting)
        self.client.close()

    def _arrive(self, request: bytes, due: float) -> None:
        # From the moment it was due: a client that is late itself must not hide the wait.
        try:
            status, retry_after = self.client.ask(request)
        except (OSError, gevent.GreenletExit):
            status, retry_after = 0, ""
        self.arrivals.append(Arrival(status, time.monotonic() - due, retry_after))
