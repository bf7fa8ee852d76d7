"""What every server is put through, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self

OURS, THEIRS = SIDES = ("ours", "theirs")

SHARES = (0.3, 0.6, 0.9, 1.2)
"""Of a server's own capacity, at which requests arrive."""


@dataclass(frozen=True)
class LoadPlan:
    """How long and how often a server is loaded. Times are in seconds."""

    seconds: float
    """Of each load; warm-up is not counted."""
    rounds: int
    """Of closed loads: in each, both sides have their turn."""
    precision: float
    """Of the Server rate, as a share."""
    most_s: float
    """Of a run for the Server rate, at most: a slow server needs longer for enough queries."""
    warm_up_s: float = 2.0
    trial_s: float = 3.0
    """Of each setup of a peer that is tried."""
    items: int = 256
    bound_s: float = 0.5
    """Of the Server rate: what the p99 may be."""
    good_s: float = 1.0
    """An answer that takes longer is no good."""
    is_quick: bool = False
    """Whether the figures are too rough to be relied on."""

    @classmethod
    def full(cls, seconds: float) -> Self:
        """Return the plan of a comparison that is published."""
        return cls(seconds, rounds=4, precision=0.05, most_s=max(seconds, 120.0))

    @classmethod
    def quick(cls, seconds: float) -> Self:
        """Return a plan that only shows that everything runs."""
        rough = 0.5
        return cls(
            seconds,
            rounds=2,
            precision=rough,
            warm_up_s=0.5,
            trial_s=min(seconds, 1.0),
            items=32,
            most_s=max(seconds, 30.0),
            is_quick=True,
        )

    def turns(self) -> Iterator[str]:
        """Yield whose turn it is with closed loads.

        The order turns around from round to round (ABBA), so that what changes steadily on the
        machine is shared out to both sides.
        """
        for number in range(self.rounds):
            yield from SIDES if number % 2 == 0 else reversed(SIDES)

    def arrivals(self) -> Iterator[tuple[float, str]]:
        """Yield the shares of capacity with whose turn it is, in an order that turns around too."""
        for number, share in enumerate(SHARES):
            for side in SIDES if number % 2 == 0 else reversed(SIDES):
                yield share, side

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
