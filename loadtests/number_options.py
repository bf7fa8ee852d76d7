"""Numbers on command lines: a range alone lets ``nan`` pass, which is not below any number."""

from __future__ import annotations

import math

import typer

MOST_MS, MOST_S = 600_000.0, 86_400.0
"""Of a bound on latency, and of a run."""


def finite(number: float | None) -> float | None:
    """Return the number of an option, or None where it was not given.

    Raises:
        BadParameter: it is infinite or no number.
    """
    if number is not None and not math.isfinite(number):
        raise typer.BadParameter(f"{number} is not a finite number")
    return number
