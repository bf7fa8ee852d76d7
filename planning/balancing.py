"""Which replica gets the next request: what load balancers do.

A balancer knows how many requests each replica has and has not answered; it cannot see their
tokens, nor what waits.
"""

from __future__ import annotations

import random
from typing import Protocol


class Balancer(Protocol):
    """Chooses among replicas, by number."""

    def choose(self) -> int:
        """Return the replica that gets a request."""

    def sent(self, replica: int) -> None:
        """Note that a replica has one request more."""

    def ended(self, replica: int) -> None:
        """Note that a replica has one request less."""

    def remove(self, replica: int) -> None:
        """Send it nothing any more."""


class RandomReplica:
    """Any replica, each as likely: what a Service of Kubernetes does."""

    def __init__(self, replicas: int, seed: int) -> None:
        self._draw = random.Random(seed).random  # noqa: S311 - chance, no secret
        self._living = list(range(replicas))
        self.loads = [0] * replicas

    def choose(self) -> int:
        return self._living[int(self._draw() * len(self._living))]

    def sent(self, replica: int) -> None:
        self.loads[replica] += 1

    def ended(self, replica: int) -> None:
        self.loads[replica] -= 1

    def remove(self, replica: int) -> None:
        self._living.remove(replica)


class TwoChoices(RandomReplica):
    """The one with fewer requests of two that are drawn (Mitzenmacher 2001, IEEE TPDS 12:1094)."""

    def choose(self) -> int:
        count, draw = len(self._living), self._draw
        first = int(draw() * count)
        if count == 1:
            return self._living[0]
        second = int(draw() * (count - 1))
        if second >= first:
            second += 1
        one, other = self._living[first], self._living[second]
        return one if self.loads[one] <= self.loads[other] else other


class ShortestQueue(RandomReplica):
    """The one with the fewest requests; chance decides among equals. All are compared.

    Replicas are kept by their number of requests, so a choice takes the same time among thousands.
    """

    def __init__(self, replicas: int, seed: int) -> None:
        super().__init__(replicas, seed)
        self._by_load: list[list[int]] = [list(range(replicas))]
        self._place = list(range(replicas))
        """Where each is in the list of its load; -1 when it was removed."""
        self._least = 0

    def choose(self) -> int:
        while not self._by_load[self._least]:
            self._least += 1
        fewest = self._by_load[self._least]
        return fewest[int(self._draw() * len(fewest))]

    def sent(self, replica: int) -> None:
        self._move(replica, 1)

    def ended(self, replica: int) -> None:
        self._move(replica, -1)

    def remove(self, replica: int) -> None:
        super().remove(replica)
        self._take_out(replica)
        self._place[replica] = -1

    def _move(self, replica: int, change: int) -> None:
        if self._place[replica] >= 0:
            self._take_out(replica)
        load = self.loads[replica] = self.loads[replica] + change
        if self._place[replica] < 0:
            return
        if load == len(self._by_load):
            self._by_load.append([])
        equals = self._by_load[load]
        self._place[replica] = len(equals)
        equals.append(replica)
        self._least = min(self._least, load)

    def _take_out(self, replica: int) -> None:
        equals = self._by_load[self.loads[replica]]
        last = equals.pop()
        if last != replica:
            place = self._place[replica]
            equals[place] = last
            self._place[last] = place


BALANCERS: dict[str, type[RandomReplica]] = {
    "jsq": ShortestQueue,
    "two": TwoChoices,
    "random": RandomReplica,
}
"""By the name of their policy, the best informed first."""

POLICY_TITLES = {
    "jsq": "the replica with the fewest requests",
    "two": "the better of two replicas at random",
    "random": "a replica at random",
}
"""What the next request goes to."""
