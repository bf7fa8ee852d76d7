"""The highest rate of Server that LoadGen calls valid, or why none is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

_MOST_STEPS = 8


class RateJudgement(Enum):
    """What a run at a rate has shown."""

    VALID = "valid"
    TOO_SLOW = "too slow"
    TOO_FEW = "too few queries"
    """So few that LoadGen's rule could not be met, though the bound was held."""


@dataclass(frozen=True)
class JudgedRate:
    """A rate that was tried."""

    rate: float
    judgement: RateJudgement
    why: str = ""
    """Why it is not valid."""


@dataclass(frozen=True)
class RateFound:
    """What a search found."""

    rate: float | None
    """The highest rate that is valid; None where none is known."""
    too_high: float | None
    """The lowest rate that was too slow; None where none was."""
    why_not: str = ""
    """Why there is no rate."""


@dataclass
class RateSearch:
    """Searches for the highest rate that is valid.

    Args:
        judge: runs LoadGen at a rate; its early stopping rule is a part of the answer.
        precision: the rate that is not valid is above the answer by no more than this share.
        least: at lower rates no run is long enough to be judged.
    """

    judge: Callable[[float], JudgedRate]
    precision: float
    least: float = 0.0
    _tried: list[JudgedRate] = field(default_factory=list)

    def run(self, start: float) -> RateFound:
        """Search from a rate that may well be near the answer."""
        low, high = self._bracket(max(start, self.least))
        if low is None:
            return RateFound(None, self._too_high, self._why_none)
        if high is None:
            return RateFound(None, None, f"every rate up to {low:.4g} queries/s is valid")
        while high / low > 1 + self.precision:
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self._is_valid(middle) else (low, middle)
        return RateFound(low, self._too_high)

    def _bracket(self, rate: float) -> tuple[float | None, float | None]:
        """Return a rate that is valid and one that is not, where there are both."""
        low, high = None, None
        for _ in range(_MOST_STEPS):
            if self._is_valid(rate):
                low, rate = rate, 2 * rate
            elif rate <= self.least:
                return None, rate
            else:
                high, rate = rate, max(self.least, rate / 2)
            if low is not None and high is not None:
                break
        return low, high

    def _is_valid(self, rate: float) -> bool:
        judged = self.judge(rate)
        self._tried.append(judged)
        return judged.judgement is RateJudgement.VALID

    @property
    def _too_high(self) -> float | None:
        slow = [each.rate for each in self._tried if each.judgement is RateJudgement.TOO_SLOW]
        return min(slow, default=None)

    @property
    def _why_none(self) -> str:
        """Say what the lowest rate has shown: none was valid."""
        lowest = min(self._tried, key=lambda each: each.rate)
        if lowest.judgement is RateJudgement.TOO_FEW:
            return f"at {lowest.rate:.4g} queries/s, {lowest.judgement.value}: {lowest.why}"
        below = ", and lower rates have too few queries" if lowest.rate <= self.least else ""
        return f"even {lowest.rate:.4g} queries/s are too many{below}: {lowest.why}"
