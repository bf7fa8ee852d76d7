"""A server with known answers: requests come at random, and each takes the same time (M/D/1).

The share of requests that wait longer than a time is known (Erlang 1909; Tijms 2003, "A first
course in stochastic models", section 9.6).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from loadtests.capacity.search import SearchRules, TrialDecision, decide
from loadtests.capacity.sequential import RequestWindow, ServiceGoal


def late_share(rate: float, service_s: float, bound_s: float) -> float:
    """Return the share of requests whose wait and service take longer than the bound."""
    load, wait = rate * service_s, bound_s - service_s
    if load >= 1:
        return 1.0
    terms = (
        (-rate * (wait - k * service_s)) ** k
        / math.factorial(k)
        * math.exp(rate * (wait - k * service_s))
        for k in range(math.floor(wait / service_s) + 1)
    )
    return 1 - (1 - load) * math.fsum(terms)


def true_capacity(service_s: float, goal: ServiceGoal) -> float:
    """Return the rate at which just so many requests are late."""
    low, high = 0.0, 1 / service_s
    for _ in range(60):
        middle = (low + high) / 2
        is_held = late_share(middle, service_s, goal.p99_s) < goal.late
        low, high = (middle, high) if is_held else (low, middle)
    return low


@dataclass(frozen=True)
class QueueTrial:
    rate: float
    decision: TrialDecision


@dataclass
class Queue:
    """Simulates trials, each with other chance."""

    service_s: float
    rules: SearchRules
    seed: int
    failing: float = 0.0
    """The share of requests that fail."""

    def attempt(self, rate: float, effect: float) -> QueueTrial:
        self.seed += 1
        return QueueTrial(rate, decide(self.windows(rate, effect), rate, effect, self.rules))

    def windows(self, rate: float, effect: float = 1.0) -> Iterator[RequestWindow]:
        chance = np.random.default_rng(self.seed)
        seconds = self.rules.limit_s(rate, effect) + self.rules.window_s
        count = round(1.2 * rate * seconds) + 100
        due = np.cumsum(chance.exponential(1 / rate, count))
        # Lindley: a request begins when it has come and all before it have ended.
        busy = np.arange(1, count + 1) * self.service_s
        ended = busy + np.maximum.accumulate(due - (busy - self.service_s))
        is_late = ended - due > self.rules.goal.p99_s
        fails = chance.random(count) < self.failing
        for number in range(math.floor(seconds / self.rules.window_s)):
            own = (due >= number * self.rules.window_s) & (due < (number + 1) * self.rules.window_s)
            yield RequestWindow(
                int(own.sum()), int((own & (is_late | fails)).sum()), int((own & fails).sum())
            )
