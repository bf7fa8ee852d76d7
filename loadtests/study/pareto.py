"""Accuracy against what a prediction costs, and which of the models nothing beats in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.settings import VARIANTS
from loadtests.study.cascades import CascadeFigures
from loadtests.study.findings import Findings
from models.statistics import Estimate

CPU = "cpu_seconds_an_item"


@dataclass(frozen=True)
class CostPoint:
    """A model, or a cascade of two."""

    name: str
    cpu_seconds: float
    """Processor time of a prediction, in the engine alone."""
    accuracy: Estimate
    """Mean over the nine languages."""
    measured: bool
    """Whether the cost was measured, or follows from the passes."""
    on_front: bool = False
    """Whether no other is as good in both, and better in one."""


def costs(found: Sequence[Findings], comparison: str) -> dict[str, float]:
    """Return the processor seconds of a prediction, by the name of a side.

    Args:
        found: of all comparisons.
        comparison: by name; where it has no figures, there are no costs.
    """
    for each in found:
        for figure in each.figures:
            if each.name == comparison and figure.figure == CPU:
                return dict(zip(each.sides, (figure.first, figure.second), strict=True))
    return {}


def points(
    accuracy: Mapping[str, Estimate],
    cost: Mapping[str, float],
    cascades: Sequence[CascadeFigures],
    cascade_cost: Mapping[str, float],
) -> tuple[CostPoint, ...]:
    """Return the points of the picture.

    Args:
        accuracy: by variant, over the nine languages.
        cost: processor seconds of a prediction, by variant.
        cascades: computed ones.
        cascade_cost: those that were run, by name.
    """
    known = [name for name in VARIANTS if name in accuracy and name in cost]
    found = [CostPoint(name, cost[name], accuracy[name], measured=True) for name in known]
    for each in cascades:
        second = cost.get(each.second, cost.get(each.first))
        if each.first not in cost or second is None:
            continue
        computed = cost[each.first] + (each.passes - 1) * second
        ran = cascade_cost.get(each.name)
        found.append(CostPoint(each.name, ran or computed, each.accuracy, measured=ran is not None))
    return tuple(replace(each, on_front=not _is_beaten(each, found)) for each in found)


def _is_beaten(point: CostPoint, others: Sequence[CostPoint]) -> bool:
    return any(
        other.cpu_seconds <= point.cpu_seconds
        and other.accuracy.value >= point.accuracy.value
        and (other.cpu_seconds, other.accuracy.value) != (point.cpu_seconds, point.accuracy.value)
        for other in others
    )
