"""How much more one side takes than the other, and whether the two are as good as equal.

The unit is a block: both sides in fresh processes, in short turns A B B A or B A A B. What drifts
evenly meanwhile falls out of its log ratio, and blocks are independent: intervals come from the
spread between them, the highest level at which a run repeats (Kalibera and Jones 2013, "Rigorous
Benchmarking in Reasonable Time", ISMM).

"No significant difference" is not "the same". Equality is a claim of its own, which two one-sided
tests decide within a margin that is stated beforehand (Schuirmann 1987, J. Pharmacokinet.
Biopharm. 15:657-680).
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from scipy.special import stdtr, stdtrit  # type: ignore[import-untyped]

from models.statistics import LEVEL, Estimate

MARGIN = 0.03
"""Of a ratio: what differs by less is as good as equal to whoever pays for it."""

POWER = 0.8
"""With which a difference that the run could have found would have been found."""

EQUALITY_POWER = 0.95
"""With which equality is to be shown, were it true. A study needs it in many comparisons: with less
power in each, some of many equal ones would fail."""

FEWEST_BLOCKS = 3
"""With fewer, the spread between blocks is a guess."""

_MOST_BLOCKS = 10_000


class Evidence(StrEnum):
    """What a run says of one figure."""

    EQUIVALENT = "equivalent"
    """The ratio is within the margin, whether or not it can be told from 1."""
    MORE = "more"
    """The second side has more, and that is not shown to be within the margin."""
    LESS = "less"
    NONE = "no verdict: too noisy"
    """Neither equality nor a difference is shown."""


@dataclass(frozen=True)
class Block:
    """One figure, such as the p99 in seconds, of both sides of a block."""

    first: float
    second: float

    @property
    def log_ratio(self) -> float:
        """The second side over the first, as a logarithm."""
        return _log(self.second) - _log(self.first)


@dataclass(frozen=True)
class Effect:
    """The ratio of the second side to the first, over all blocks."""

    log_ratios: tuple[float, ...]
    """One a block."""
    margin: float = MARGIN

    @classmethod
    def of(cls, blocks: Sequence[Block], margin: float = MARGIN) -> Effect:
        """Compare two sides.

        Args:
            blocks: at least ``FEWEST_BLOCKS``, independent of each other.
            margin: of equality, stated before the run.

        Raises:
            ValueError: there are fewer, or a figure is not above 0.
        """
        if len(blocks) < FEWEST_BLOCKS:
            raise ValueError(f"{len(blocks)} blocks; {FEWEST_BLOCKS} at least show a spread")
        return cls(tuple(block.log_ratio for block in blocks), margin)

    @property
    def ratio(self) -> Estimate:
        """The ratio with its 95 % interval."""
        return self._ratio(LEVEL)

    @property
    def within(self) -> Estimate:
        """The ratio with the 90 % interval that two one-sided tests at 5 % come to."""
        return self._ratio(2 * LEVEL - 1)

    @property
    def p(self) -> float:
        """Of no difference, two-sided."""
        if not self._error:
            return 1.0 if not self._mean else 0.0
        return float(2 * stdtr(self._freedom, -abs(self._mean) / self._error))

    @property
    def p_equivalent(self) -> float:
        """Of a difference of the margin or more: the larger of the two one-sided tests."""
        edge = math.log1p(self.margin)
        if not self._error:
            return 0.0 if abs(self._mean) < edge else 1.0
        return float(stdtr(self._freedom, (abs(self._mean) - edge) / self._error))

    @property
    def verdict(self) -> Evidence:
        """What the run shows at 5 %."""
        if self.p_equivalent < 1 - LEVEL:
            return Evidence.EQUIVALENT
        if self.p < 1 - LEVEL:
            return Evidence.MORE if self._mean > 0 else Evidence.LESS
        return Evidence.NONE

    @property
    def detectable(self) -> float:
        """The difference that so many blocks of this spread find with a power of 80 %.

        A share: 0.04 says that 4 % more would have been found four times of five.
        """
        quantiles = _quantile((1 + LEVEL) / 2, self._freedom) + _quantile(POWER, self._freedom)
        return math.expm1(quantiles * self._error)

    @property
    def blocks_needed(self) -> int:
        """How many blocks of this spread show equality with a power of 95 %, were it true."""
        counts = range(FEWEST_BLOCKS, _MOST_BLOCKS)
        return counts.start + bisect_left(counts, x=True, key=self._would_show_equality)

    @property
    def has_power(self) -> bool:
        """Whether so many blocks of this spread show equality with a power of 95 %, were it true.

        That depends on the spread and not on the ratio: whoever leaves out of a claim what lacks
        the power does not choose by the result.
        """
        return self._would_show_equality(len(self.log_ratios))

    def _would_show_equality(self, blocks: int) -> bool:
        # Both one-sided tests must pass, so each may fail half as often.
        quantiles = _quantile(LEVEL, blocks - 1) + _quantile((1 + EQUALITY_POWER) / 2, blocks - 1)
        return quantiles * self._spread / math.sqrt(blocks) <= math.log1p(self.margin)

    def _ratio(self, level: float) -> Estimate:
        half = _quantile((1 + level) / 2, self._freedom) * self._error
        value, low, high = (math.exp(self._mean + each) for each in (0.0, -half, half))
        return Estimate(value, low, high)

    @cached_property
    def _mean(self) -> float:
        return statistics.fmean(self.log_ratios)

    @cached_property
    def _spread(self) -> float:
        return statistics.stdev(self.log_ratios)

    @property
    def _error(self) -> float:
        """The standard error of the mean."""
        return self._spread / math.sqrt(len(self.log_ratios))

    @property
    def _freedom(self) -> int:
        return len(self.log_ratios) - 1


def _quantile(share: float, freedom: int) -> float:
    """Return the quantile of Student's t."""
    return float(stdtrit(freedom, share))


def _log(value: float) -> float:
    if value <= 0:
        raise ValueError(f"{value} has no ratio to anything")
    return math.log(value)
