"""When requests come, and how long they are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from planning.lengths import LengthMix
from planning.speed import PlanningError

POISSON = 1.0
"""The deviation of the gaps between requests over their mean, when callers do not know of each
other (Palm-Khintchine)."""

MOST_BURST = 100.0
_EVEN = 1e-6
"""A burstiness below this is an even pace."""

_LEAST_RATE = 1e-9


@dataclass(frozen=True)
class Traffic:
    """Requests of one question each.

    The gaps between them are independent, with a gamma distribution: evenly spaced (``burst`` 0),
    a Poisson process (1), or in clumps (above 1).
    """

    rate: float
    """Requests a second, on average."""
    lengths: LengthMix = field(default_factory=LengthMix.usual)
    burst: float = POISSON
    """The standard deviation of a gap over the mean gap."""

    def __post_init__(self) -> None:
        if not _LEAST_RATE <= self.rate < math.inf:
            raise PlanningError("the rate is above 0")
        if not 0 <= self.burst < math.inf:
            raise PlanningError("the burstiness is 0 at least")
        if self.burst > MOST_BURST:
            raise PlanningError(f"the burstiness is {MOST_BURST:g} at most")

    def at(self, rate: float) -> Traffic:
        """Return the same requests at another rate."""
        return replace(self, rate=rate)

    def times(self, count: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return when so many requests come, in seconds from the beginning.

        Shape ``[count]``.
        """
        mean = 1 / self.rate
        if self.burst < _EVEN:
            return np.arange(1, count + 1, dtype=np.float64) * mean
        shape = 1 / self.burst**2
        return np.cumsum(generator.gamma(shape, mean / shape, count))

    def draw(self, count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return when so many requests come, and their tokens; shape ``[count]`` both."""
        generator = np.random.default_rng(seed)
        return self.times(count, generator), self.lengths.draw(count, generator)
