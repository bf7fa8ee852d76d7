"""What is declared of a metric; the tables are in the files ``declared_...py`` beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

Instrument = TypeVar("Instrument", Counter, Gauge, Histogram)

SINGLE_OBJECTIVE_S = 0.5
BATCH_OBJECTIVE_S = 2.0
"""Within these times 99 of 100 requests are to be answered: those of one item, and batches. Both
are bounds of ``SECONDS``, so that Prometheus can count them exactly."""

_DECADES = (0.0001, 0.001, 0.01, 0.1, 1.0)
SECONDS = (
    *(round(step * decade, 4) for decade in _DECADES for step in (1, 2, 5)),
    10.0,
    30.0,
)
"""Geometric, 1, 2 and 5 of each decade, from 100 microseconds to 30 seconds."""


@dataclass(frozen=True)
class Declaration(Generic[Instrument]):
    """One metric.

    Prometheus keeps a series for every combination of label values. All that are known before
    the first request start at zero, since a series that appears with its first event hides that
    event from ``rate``.
    """

    kind: type[Instrument]
    name: str
    """With the unit and, of a counter, ``_total`` at its end."""
    help: str
    """One sentence; ``GET /metrics`` returns it too."""
    unit: str
    """What a value counts."""
    query: str
    """A PromQL query that answers an operator's question."""
    labels: tuple[str, ...] = ()
    """``model``, where it is labelled by model, comes first."""
    seeds: tuple[str, ...] = ()
    """All values of the label after ``model``; empty where they are known only at run time."""
    more_seeds: tuple[str, ...] = ()
    """All values of the label after that one."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in its unit."""

    @property
    def seeded(self) -> tuple[tuple[str, ...], ...]:
        """The values of the labels besides ``model``, of every series that starts at zero."""
        if not self.more_seeds:
            return tuple((seed,) for seed in self.seeds)
        return tuple(product(self.seeds, self.more_seeds))

    @property
    def series(self) -> dict[str, frozenset[str]]:
        """The labels of each series under the name that Prometheus stores it by."""
        labels = frozenset(self.labels)
        if self.kind is not Histogram:
            return {self.name: labels}
        return {
            f"{self.name}_bucket": labels | {"le"},
            f"{self.name}_sum": labels,
            f"{self.name}_count": labels,
        }


AnyDeclaration = Declaration[Counter] | Declaration[Gauge] | Declaration[Histogram]
