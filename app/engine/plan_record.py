"""What was measured of plans of engines, by the shape of the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.engine.plan import EnginePlan, MeasuredPlan
from app.engine.record import Record

FILE = "engines.json"

_RATE, _LONE = "tokens_per_second", "lone_seconds"


class PlanRecord:
    """Measurements by model and plan, of one machine set up in one way; see ``Record``.

    Args:
        machine: processor, torch's version, numbers and kernels; all else must not matter.
        directory: where the file is; None keeps the measurements in memory alone.
    """

    def __init__(self, machine: str = "", directory: Path | None = None) -> None:
        self._record = Record("engines", FILE, machine, directory)

    def find(self, model: str, plans: Sequence[EnginePlan]) -> tuple[MeasuredPlan, ...]:
        """Return what was measured of these plans; empty unless all of them were."""
        found = [self._find(model, plan) for plan in plans]
        known = tuple(each for each in found if each is not None)
        return known if len(known) == len(plans) else ()

    def _find(self, model: str, plan: EnginePlan) -> MeasuredPlan | None:
        numbers = self._record.find(_name(model, plan))
        if numbers.keys() != {_RATE, _LONE}:
            return None
        return MeasuredPlan(plan.engines, plan.threads, numbers[_RATE], numbers[_LONE])

    def keep(self, model: str, measured: Sequence[MeasuredPlan]) -> None:
        """Add measurements, in memory and in the file."""
        self._record.keep(
            {
                _name(model, each): {_RATE: each.tokens_per_second, _LONE: each.lone_seconds}
                for each in measured
            }
        )


def _name(model: str, plan: EnginePlan | MeasuredPlan) -> str:
    return f"{model}; {plan}"
