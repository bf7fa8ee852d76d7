"""Times two computations by turns, so that what else the machine does meets both."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.clock import Clock

Computation = Callable[[], object]


def alternated_times(
    first: Computation, second: Computation, rounds: int, clock: Clock = time.perf_counter
) -> list[tuple[float, float]]:
    """Return the seconds of each of the two, for every round.

    Args:
        first, second: called once before the first round, since oneDNN compiles a kernel for each
            shape, and then by turns.
        rounds: how often each is timed.
        clock: returns seconds.
    """
    first()
    second()
    return [(_time(first, clock), _time(second, clock)) for _ in range(rounds)]


def _time(compute: Computation, clock: Clock) -> float:
    start = clock()
    compute()
    return clock() - start
