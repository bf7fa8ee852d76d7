"""The comparisons of groups of conditions that claims of the paper speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.intermediate.conditions import ALL, NONE, TEXT
from models.intermediate.figures import ConditionOutcome, Difference, compare, panel_runs
from models.intermediate.sets import BEST_OF_THE_PAPER, OF_THE_PAPER

HELPS, BEST, TOGETHER, BESIDE = "helps", "best", "together", "beside"

_OTHERS = tuple(name for name in OF_THE_PAPER if name not in BEST_OF_THE_PAPER)

SIDES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    HELPS: ((NONE,), OF_THE_PAPER),
    BEST: (_OTHERS, BEST_OF_THE_PAPER),
    TOGETHER: (BEST_OF_THE_PAPER, (ALL,)),
    BESIDE: ((ALL,), (ALL + TEXT,)),
}
"""By name: the conditions of both sides. All were fixed before anything was measured."""


@dataclass(frozen=True)
class Contrast:
    """How much more the mean of some conditions has than that of others."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    missing: tuple[str, ...]
    """Conditions that were not run; then there are no figures."""
    figures: dict[str, Difference]
    """The second minus the first, by what is reported."""


def contrasts(outcomes: Sequence[ConditionOutcome]) -> dict[str, Contrast]:
    """Compute every comparison whose conditions were run."""
    known = {outcome[0].condition.name: outcome for outcome in outcomes}
    return {name: _contrast(known, *sides) for name, sides in SIDES.items()}


def _contrast(
    known: Mapping[str, ConditionOutcome], first: tuple[str, ...], second: tuple[str, ...]
) -> Contrast:
    missing = tuple(name for name in (*first, *second) if name not in known)
    if missing:
        return Contrast(first, second, missing, {})
    before, after = (panel_runs([known[name] for name in side]) for side in (first, second))
    return Contrast(first, second, (), compare(before, after))
