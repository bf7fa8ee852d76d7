"""Simulated time: what happens next, happens now."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

Action = Callable[[Any], None]


class Clockwork:
    """Actions in the order of their times; of equal times, in the order in which they were set."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ahead: list[tuple[float, int, Action, Any]] = []
        self._order = itertools.count()

    def __call__(self) -> float:
        """Return the time, as a ``Clock`` does."""
        return self.now

    def at(self, time: float, action: Action, argument: object = None) -> None:
        """Have something happen then."""
        heapq.heappush(self._ahead, (time, next(self._order), action, argument))

    def advance(self, until: float) -> None:
        """Let everything happen that is due by then."""
        ahead = self._ahead
        while ahead and ahead[0][0] <= until:
            self.now, _, action, argument = heapq.heappop(ahead)
            action(argument)
        self.now = until

    def finish(self) -> None:
        """Let everything happen; the time is that of the last action."""
        while self._ahead:
            self.advance(self._ahead[0][0])
