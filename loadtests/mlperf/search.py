"""The highest rate of Server that LoadGen calls valid."""

from __future__ import annotations

import math
from collections.abc import Callable

_MOST_HALVINGS = 8


def highest_valid(is_valid: Callable[[float], bool], start: float, precision: float) -> float:
    """Return the highest rate that is valid, to a precision; 0 if none is.

    Args:
        is_valid: runs LoadGen at a rate; its early stopping rule is a part of the answer.
        start: a rate that may well be near the answer.
        precision: the rate that is not valid is above the answer by no more than this share.
    """
    low, high, rate = 0.0, math.inf, start
    for _ in range(_MOST_HALVINGS):
        if is_valid(rate):
            low, rate = rate, 2 * rate
        else:
            high, rate = rate, rate / 2
        if low and high < math.inf:
            break
    if not low or high == math.inf:
        return low
    while high / low > 1 + precision:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if is_valid(middle) else (low, middle)
    return low
