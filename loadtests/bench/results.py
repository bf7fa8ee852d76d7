"""The result of a measurement: a quantity with its unit, its target, and its runs."""

from __future__ import annotations

import operator
import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

RATIO = "ratio"
"""The unit of one quantity over another of the same kind."""

NO_TARGET, MET, MISSED = "no target", "met", "missed"

_COMPARISONS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_BOUND = re.compile(r"(>=|<=|>|<) (\S+)(?: (.+))?")
_RANGE = re.compile(r"(\S+) to (\S+)")


@dataclass(frozen=True)
class BenchResult:
    """One quantity of a measurement: a line of the table that is printed."""

    name: str
    unit: str
    value: float
    """The median of the runs."""
    least: float
    """``least`` and ``greatest`` of the runs: the interval that a reader should believe."""
    greatest: float
    target: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, name: str, unit: str, runs: Sequence[float], target: str = "", **details: Any
    ) -> BenchResult:
        """Make the result of one or more runs: their median, least and greatest.

        Args:
            name: what is measured, in words.
            unit: of the runs, such as ``s`` or ``ratio``.
            runs: one number a run.
            target: what the project wants to reach, such as ``>= 1.6``.
            details: what a reader needs beside the number; a key ends with its unit.
        """
        return cls(name, unit, statistics.median(runs), min(runs), max(runs), target, details)

    @property
    def verdict(self) -> str:
        """Whether the median reaches the target, and under which condition that is one."""
        if found := _BOUND.fullmatch(self.target):
            comparison, bound, condition = found.groups()
            is_met = _COMPARISONS[comparison](self.value, float(bound))
            return (MET if is_met else MISSED) + (f" ({condition})" if condition else "")
        if found := _RANGE.fullmatch(self.target):
            least, greatest = map(float, found.groups())
            return MET if least <= self.value <= greatest else MISSED
        return NO_TARGET

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> BenchResult:
        """Read back what ``to_json`` returned."""
        return cls(**content)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def medians(pairs: Sequence[tuple[float, ...]], digits: int | None = None) -> list[float]:
    """Return the median of each side of runs that were made side by side, rounded."""
    return [round(statistics.median(side), digits) for side in zip(*pairs, strict=True)]


def milliseconds(seconds: float, digits: int | None = 1) -> float:
    """Return a duration in milliseconds, rounded for reading."""
    return round(1000 * seconds, digits)
