"""The same recipe with several seeds: how much a figure varies between training runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.ask.items import SetKey, in_language
from models.evaluation.ask.predictions import Predictions, SetPredictions
from models.evaluation.measure.accuracy import mean_right
from models.evaluation.measure.languages import ELEVEN, GROUPS, NINE
from models.statistics import Bootstrap, Estimate, Runs
from models.tasks.sets.copa import CHANCE
from models.tasks.sets.xcopa import ENGLISH, Questions

REPORTED = {ENGLISH: (ENGLISH,), NINE: GROUPS[NINE], ELEVEN: GROUPS[ELEVEN]}


@dataclass(frozen=True)
class SeedStatistics:
    """One variant, trained with several seeds, on one group of languages."""

    by_seed: dict[str, float]
    """Accuracy of each."""
    mean: float
    deviation: float | None
    """Standard deviation over seeds, n - 1 below the line; None for a single seed. It covers what
    the seed changes and the items do not."""
    lowest: float
    highest: float
    items: Estimate
    """The mean again, with the interval that resamples items and takes the seeds as given."""
    p_above_chance: float
    """Of that mean, one-sided."""
    both: Estimate | None = None
    """The mean once more, with the interval that resamples seeds and items: what other seeds would
    have on other items. None in the report of an earlier version."""
    ensemble: Estimate | None = None
    """Accuracy of the mean of the seeds' logits, with the interval that resamples items: an upper
    bound, since it costs a pass for each seed. None for a single seed."""


@dataclass(frozen=True)
class SeedGroup:
    """All seeds of the variants on one group of languages, under one reading."""

    questions: Questions
    group: str
    variants: dict[str, SeedStatistics]
    difference: Estimate | None
    """stilts minus direct, each item's score averaged over seeds; resamples items, takes the
    seeds as given. None where one of the variants has no seeds."""
    p: float | None
    """Of the difference, two-sided."""
    difference_of_both: Estimate | None = None
    """The difference, with the interval that resamples seeds and items; None as above."""
    p_of_both: float | None = None


def compare_seeds(
    predictions: Predictions,
    split: str,
    readings: Sequence[Questions],
    lineages: Mapping[str, str] | None = None,
) -> tuple[SeedGroup, ...]:
    """Compute the figures over all seeds that were asked; nothing where there were none.

    Args:
        predictions: of the variants and their seeds.
        split: of the items.
        readings: of XCOPA's questions.
        lineages: by run (``variant/seed-n``), the name of what it has in common with other seeds,
            such as an earlier phase; a run that is not named has nothing in common with any.
    """
    runs = {variant: _seeds(predictions, variant) for variant in predictions.variants}
    present = {variant: own for variant, own in runs.items() if own}
    if not present:
        return ()
    common = lineages or {}
    return tuple(
        _group(predictions, present, common, split, questions, group)
        for questions in readings
        for group in REPORTED
    )


def _seeds(predictions: Predictions, variant: str) -> list[str]:
    """Return the names of a variant's seeds, those of several digits after those of one."""
    names = [run.partition("/")[2] for run in predictions.logits if run.startswith(f"{variant}/")]
    return sorted(names, key=lambda name: (len(name), name))


def _group(
    predictions: Predictions,
    seeds: Mapping[str, Sequence[str]],
    lineages: Mapping[str, str],
    split: str,
    questions: Questions,
    group: str,
) -> SeedGroup:
    keys = [in_language(language, split, questions) for language in REPORTED[group]]
    scores = {
        variant: {
            seed: mean_right([predictions.of(f"{variant}/{seed}", key) for key in keys])
            for seed in names
        }
        for variant, names in seeds.items()
    }
    runs = {
        variant: Runs(
            np.stack(list(own.values())),
            tuple(lineages.get(f"{variant}/{seed}", seed) for seed in own),
        )
        for variant, own in scores.items()
    }
    variants = {
        name: _statistics(list(scores[name]), own, _ensemble(predictions, name, seeds[name], keys))
        for name, own in runs.items()
    }
    first, second, *_ = predictions.variants
    if not {first, second} <= runs.keys():
        return SeedGroup(questions, group, variants, None, None)
    difference = runs[second].scores.mean(axis=0) - runs[first].scores.mean(axis=0)
    bootstrap = Bootstrap.of(difference.size)
    return SeedGroup(
        questions,
        group,
        variants,
        bootstrap.estimate(difference),
        bootstrap.p_not_zero(difference),
        *bootstrap.compare_runs(runs[first], runs[second]),
    )


def _ensemble(
    predictions: Predictions, variant: str, seeds: Sequence[str], keys: Sequence[SetKey]
) -> NDArray[np.float64]:
    """Return the score of each item for the mean of the seeds' logits."""
    parts = [[predictions.of(f"{variant}/{seed}", key) for seed in seeds] for key in keys]
    together = [
        SetPredictions(np.mean([own.logits for own in each], axis=0), each[0].labels)
        for each in parts
    ]
    return mean_right(together)


def _statistics(seeds: Sequence[str], runs: Runs, ensemble: NDArray[np.float64]) -> SeedStatistics:
    values = runs.scores.mean(axis=1).tolist()
    averaged = runs.scores.mean(axis=0)
    bootstrap = Bootstrap.of(averaged.size)
    return SeedStatistics(
        by_seed=dict(zip(seeds, values, strict=True)),
        mean=float(np.mean(values)),
        deviation=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        lowest=min(values),
        highest=max(values),
        items=bootstrap.estimate(averaged),
        p_above_chance=bootstrap.p_above(averaged, CHANCE),
        both=bootstrap.estimate_of_runs(runs),
        ensemble=bootstrap.estimate(ensemble) if len(values) > 1 else None,
    )
