"""The figures of the study: accuracy of each condition, and its difference from the target alone.

Intervals and tests resample seeds and items. The seeds of a condition share its intermediate
phase, and are drawn together; those of the target alone share nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.evaluation.ask.predictions import Predictions
from models.intermediate.conditions import NONE
from models.intermediate.kept import DoneCondition
from models.intermediate.measured import PANELS, scores
from models.statistics import Bootstrap, Estimate, Runs, holm

ConditionOutcome = tuple[DoneCondition, Predictions]
"""A condition, and the logits of its seeds."""


@dataclass(frozen=True)
class Difference:
    """How much more one side has than the other; shares, from -1 to 1."""

    difference: Estimate
    p: float
    """Two-sided."""
    p_holm: float | None = None
    """Corrected for all conditions; None where it is one of no family."""


@dataclass(frozen=True)
class ConditionFigures:
    """One condition. Mappings are by what is reported: ``english``, ``nine``, ``twins``."""

    name: str
    sets: tuple[str, ...]
    text: bool
    steps: int
    """Of the intermediate phase."""
    intermediate_tokens: int
    target_tokens: int
    """Of all seeds together."""
    seconds: float
    """That training took, by the clock on the wall."""
    by_seed: dict[str, dict[str, float]]
    """The share that each seed has right."""
    accuracy: dict[str, Estimate]
    """The mean of the seeds."""
    from_none: dict[str, Difference] | None
    """Minus the target alone; None for that itself, and where it was not run."""


def condition_figures(outcomes: Sequence[ConditionOutcome]) -> tuple[ConditionFigures, ...]:
    """Compute the figures of every condition."""
    runs = [panel_runs((outcome,)) for outcome in outcomes]
    names = [done.condition.name for done, _ in outcomes]
    none = dict(zip(names, runs, strict=True)).get(NONE)
    return _corrected(
        [_figures(outcome, own, none) for outcome, own in zip(outcomes, runs, strict=True)]
    )


def panel_runs(outcomes: Sequence[ConditionOutcome]) -> Mapping[str, Runs]:
    """Return the scores of all seeds of some conditions, by what is reported."""
    rows: dict[str, list[NDArray[np.float64]]] = {panel: [] for panel in PANELS}
    groups: list[str] = []
    for done, predictions in outcomes:
        for run in predictions.logits:
            for panel, own in scores(predictions, run).items():
                rows[panel].append(own)
            groups.append(done.condition.name if done.condition.sets else run)
    return {panel: Runs(np.stack(own), tuple(groups)) for panel, own in rows.items()}


def compare(first: Mapping[str, Runs], second: Mapping[str, Runs]) -> dict[str, Difference]:
    """Return how much more the second side has, by what is reported."""
    return {panel: _difference(first[panel], second[panel]) for panel in PANELS}


def _difference(first: Runs, second: Runs) -> Difference:
    return Difference(*Bootstrap.of(first.scores.shape[1]).compare_runs(first, second))


def _figures(
    outcome: ConditionOutcome, runs: Mapping[str, Runs], none: Mapping[str, Runs] | None
) -> ConditionFigures:
    done, predictions = outcome
    seeds = [run.rpartition("/")[2] for run in predictions.logits]
    return ConditionFigures(
        name=done.condition.name,
        sets=done.condition.sets,
        text=done.condition.text,
        steps=done.intermediate_steps,
        intermediate_tokens=done.intermediate_tokens,
        target_tokens=done.target_tokens,
        seconds=done.seconds,
        by_seed={
            panel: dict(zip(seeds, own.scores.mean(axis=1).tolist(), strict=True))
            for panel, own in runs.items()
        },
        accuracy={
            panel: Bootstrap.of(own.scores.shape[1]).estimate_of_runs(own)
            for panel, own in runs.items()
        },
        from_none=compare(none, runs) if none and done.condition.sets else None,
    )


def _corrected(found: Sequence[ConditionFigures]) -> tuple[ConditionFigures, ...]:
    """Correct the p-values of all differences of a panel for their number."""
    differences = [each.from_none for each in found if each.from_none is not None]
    by_panel = {panel: iter(holm([own[panel].p for own in differences])) for panel in PANELS}
    return tuple(
        each
        if each.from_none is None
        else replace(
            each,
            from_none={
                panel: replace(own, p_holm=next(by_panel[panel]))
                for panel, own in each.from_none.items()
            },
        )
        for each in found
    )
