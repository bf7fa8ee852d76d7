"""A fleet of replicas behind a load balancer, request by request."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.serving.admission import Limits
from app.serving.work import Outcome
from planning.balancing import BALANCERS
from planning.clockwork import Clockwork
from planning.replica import Replica, Request
from planning.speed import PlanningError, ReplicaSpeed
from planning.traffic import Traffic

WARM_UP_SHARE = 0.2
"""Of the requests, the first ones, which find a fleet that is emptier than later on."""


@dataclass(frozen=True)
class Fleet:
    """Replicas that are alike, and what shares the requests out."""

    speed: ReplicaSpeed
    replicas: int
    policy: str = "random"
    limits: Limits = field(default_factory=lambda: Limits(10.0))
    timeout: float = 30.0
    """Seconds from a request to its deadline."""

    def __post_init__(self) -> None:
        if self.replicas < 1:
            raise PlanningError("a fleet has 1 replica at least")
        if self.policy not in BALANCERS:
            raise PlanningError(f"{self.policy!r} is not one of {', '.join(BALANCERS)}")


@dataclass(frozen=True)
class Loss:
    """Replicas that end while the others go on.

    The balancer notices at once, and who had asked them asks again at once.
    """

    replicas: int
    at_share: float = 0.5
    """When: after this share of the requests."""


@dataclass(frozen=True)
class Trace:
    """What became of every request of a simulation, in the order in which they came."""

    seconds: NDArray[np.float64]
    """From a request to its answer; infinite where it was refused, or had no answer in time."""
    came: NDArray[np.float64]
    """When it came, in seconds from the beginning."""
    refused: int
    expired: int
    repeated: int
    """Requests that had to be asked again because their replica ended."""
    batches: int
    busy: float
    """The share of the time, until the last answer, in which an engine worked."""
    in_flight: float
    """Requests that had come and had not ended, of all replicas together, on average."""

    @property
    def steady(self) -> NDArray[np.float64]:
        """The seconds of those that came after the warm-up."""
        return self.seconds[self.first_steady :]

    @property
    def first_steady(self) -> int:
        return int(WARM_UP_SHARE * len(self.seconds))


def simulate(
    fleet: Fleet, traffic: Traffic, requests: int, seed: int, loss: Loss | None = None
) -> Trace:
    """Send requests to a fleet; the same seed gives the same trace.

    Args:
        fleet: empty and idle at the beginning.
        traffic: what comes.
        requests: how many come.
        seed: of all chance.
        loss: replicas to lose meanwhile.
    """
    return _Simulation(fleet, traffic, requests, seed).run(loss)


def quantile(seconds: NDArray[np.float64], share: float) -> float:
    """Return the time that a share of requests do not exceed; infinite times are times too."""
    return float(np.quantile(seconds, share, method="higher"))


class _Simulation:
    def __init__(self, fleet: Fleet, traffic: Traffic, requests: int, seed: int) -> None:
        self._came, tokens = traffic.draw(requests, seed)
        self._tokens: list[int] = tokens.tolist()
        self._due: list[float] = self._came.tolist()
        self._seconds = [math.inf] * requests
        self._clock = Clockwork()
        self._balancer = BALANCERS[fleet.policy](fleet.replicas, seed)
        self._replicas = [
            Replica(number, fleet.speed, fleet.limits, self._clock, self._on_end)
            for number in range(fleet.replicas)
        ]
        self._fleet = fleet
        self._timeout = fleet.timeout
        self._refused = self._expired = self._repeated = 0
        self._in_flight = 0
        self._area = self._area_until = 0.0

    def run(self, loss: Loss | None) -> Trace:
        lost_at = -1 if loss is None else int(loss.at_share * len(self._due))
        advance, send = self._clock.advance, self._send
        for request, due in enumerate(self._due):
            advance(due)
            if request == lost_at and loss is not None:
                self._lose(loss.replicas)
            self._count(1)
            send(request)
        self._clock.finish()
        return self._trace()

    def _send(self, request: Request) -> None:
        number = self._balancer.choose()
        self._balancer.sent(number)
        deadline = self._due[request] + self._timeout
        self._replicas[number].take(request, self._tokens[request], deadline)

    def _on_end(self, number: int, request: Request, outcome: Outcome | None) -> None:
        self._balancer.ended(number)
        self._count(-1)
        if outcome is Outcome.ANSWERED:
            self._seconds[request] = self._clock.now - self._due[request]
        elif outcome is None:
            self._refused += 1
        else:
            self._expired += 1

    def _lose(self, count: int) -> None:
        """End the first replicas, which are as good as any."""
        if count >= self._fleet.replicas:
            raise PlanningError(f"of {self._fleet.replicas} replicas, {count} cannot be lost")
        for number in range(count):
            self._balancer.remove(number)
        for number in range(count):
            held = self._replicas[number].lose()
            self._repeated += len(held)
            for request in held:
                self._balancer.ended(number)
                self._send(request)

    def _count(self, change: int) -> None:
        now = self._clock.now
        self._area += self._in_flight * (now - self._area_until)
        self._area_until = now
        self._in_flight += change

    def _trace(self) -> Trace:
        busy = sum(each.busy_seconds for each in self._replicas)
        engines = self._fleet.replicas * self._fleet.speed.engines
        return Trace(
            seconds=np.array(self._seconds),
            came=self._came,
            refused=self._refused,
            expired=self._expired,
            repeated=self._repeated,
            batches=sum(each.batches for each in self._replicas),
            busy=busy / (engines * self._area_until),
            in_flight=self._area / self._area_until,
        )
