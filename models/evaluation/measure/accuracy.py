"""Accuracy in each language and over languages, and the comparison of the first two variants.

Those are ``direct`` and ``stilts`` where they are asked, and their names stand for the two here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.evaluation.ask.items import SetKey, in_language
from models.evaluation.ask.predictions import Predictions, SetPredictions
from models.evaluation.ask.translations import labels_of, unpaired
from models.evaluation.measure.calibration import ProbabilityCalibration, calibrate
from models.evaluation.measure.languages import ALL, GROUPS, NINE
from models.statistics import Bootstrap, Estimate, holm, kappa, mcnemar, wilson
from models.tasks.sets import xcopa
from models.tasks.sets.copa import CHANCE
from models.tasks.sets.xcopa import ENGLISH, Questions


@dataclass(frozen=True)
class Language:
    """All variants in one language, and the first two compared."""

    language: str
    items: int
    accuracy: dict[str, Estimate]
    """By variant; Wilson."""
    difference: Estimate
    """stilts minus direct, paired; the interval resamples items."""
    direct_only: int
    """Items that only direct answers correctly."""
    stilts_only: int
    p: float
    """McNemar's exact test of the two counts."""
    p_holm: float
    """Corrected for all languages of the table: twelve with COPA's English, or a file's."""
    agreement: float
    """Share of items to which both give the same answer, right or wrong."""
    kappa: float | None
    """The same beyond chance; None where both always choose the same place."""


@dataclass(frozen=True)
class Mean:
    """All variants over a group of languages. Everything resamples items with their
    translations."""

    group: str
    languages: tuple[str, ...]
    items: int
    """In each language."""
    accuracy: dict[str, Estimate]
    p_above_chance: dict[str, float]
    """One-sided."""
    difference: Estimate
    """stilts minus direct, paired."""
    p: float
    """Of the difference, two-sided."""


@dataclass(frozen=True)
class Reading:
    """All languages under one reading of XCOPA's questions; English has one reading only."""

    languages: tuple[Language, ...]
    means: tuple[Mean, ...]
    calibration: dict[str, dict[str, ProbabilityCalibration]]
    """By language, or ``nine``, then by variant."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the variants; the first two are compared."""
        return tuple(self.languages[0].accuracy)


Pair = Mapping[str, SetPredictions]
"""By variant."""


def measure(predictions: Predictions, split: str, questions: Questions) -> Reading:
    """Compute the figures of one reading."""
    pairs = {
        language: {
            variant: predictions.of(variant, in_language(language, split, questions))
            for variant in predictions.variants
        }
        for language in (ENGLISH, *xcopa.LANGUAGES)
    }
    calibrated = {NINE: GROUPS[NINE], **{language: (language,) for language in pairs}}
    return Reading(
        languages=_corrected([_language(*each) for each in pairs.items()]),
        means=tuple(
            _mean(group, languages, [pairs[language] for language in languages])
            for group, languages in GROUPS.items()
        ),
        calibration={
            group: {
                variant: calibrate([pairs[language][variant] for language in languages])
                for variant in predictions.variants
            }
            for group, languages in calibrated.items()
        },
    )


def measure_file(predictions: Predictions) -> Reading:
    """Compute the figures of the item sets of one file, a language each.

    A mean over languages is computed where all have items of the same numbers and with the same
    right choices, so that translations can be kept together, in whatever order they came.
    """
    names = predictions.variants
    pairs = {
        key.language: {name: _by_number(predictions, name, key) for name in names}
        for key in predictions.ids
    }
    labels = {
        key.language: labels_of(ids.tolist(), predictions.labels[key].tolist())
        for key, ids in predictions.ids.items()
    }
    parallel = unpaired(labels) is None
    pooled = {name: _pooled([pair[name] for pair in pairs.values()]) for name in names}
    answers = {
        name: [pair[name] for pair in pairs.values()] if parallel else [pooled[name]]
        for name in names
    }
    several = len(pairs) > 1
    means = (_mean(ALL, tuple(pairs), list(pairs.values())),) if parallel and several else ()
    return Reading(
        languages=_corrected([_language(*each) for each in pairs.items()]),
        means=means,
        calibration={ALL: {name: calibrate(own) for name, own in answers.items()}},
    )


def _by_number(predictions: Predictions, variant: str, key: SetKey) -> SetPredictions:
    order = np.argsort(predictions.ids[key], kind="stable")
    found = predictions.of(variant, key)
    return replace(found, logits=found.logits[order], labels=found.labels[order])


def _pooled(sets: Sequence[SetPredictions]) -> SetPredictions:
    return SetPredictions(
        np.concatenate([each.logits for each in sets]),
        np.concatenate([each.labels for each in sets]),
        sets[0].temperature,
    )


def _language(language: str, pair: Pair) -> Language:
    direct, stilts, *_ = pair.values()
    items = direct.right.size
    direct_only = int((direct.right > stilts.right).sum())
    stilts_only = int((stilts.right > direct.right).sum())
    p = mcnemar(direct_only, stilts_only)
    return Language(
        language=language,
        items=items,
        accuracy={name: wilson(int(each.right.sum()), items) for name, each in pair.items()},
        difference=Bootstrap.of(items).estimate(stilts.right - direct.right),
        direct_only=direct_only,
        stilts_only=stilts_only,
        p=p,
        p_holm=p,
        agreement=float((direct.choices == stilts.choices).mean()),
        kappa=kappa(direct.choices, stilts.choices),
    )


def _corrected(languages: Sequence[Language]) -> tuple[Language, ...]:
    corrected = holm([each.p for each in languages])
    return tuple(replace(each, p_holm=p) for each, p in zip(languages, corrected, strict=True))


def _mean(group: str, languages: tuple[str, ...], pairs: Sequence[Pair]) -> Mean:
    scores = {name: mean_right([pair[name] for pair in pairs]) for name in pairs[0]}
    direct, stilts, *_ = scores.values()
    difference = stilts - direct
    bootstrap = Bootstrap.of(difference.size)
    return Mean(
        group=group,
        languages=languages,
        items=difference.size,
        accuracy={name: bootstrap.estimate(own) for name, own in scores.items()},
        p_above_chance={name: bootstrap.p_above(own, CHANCE) for name, own in scores.items()},
        difference=bootstrap.estimate(difference),
        p=bootstrap.p_not_zero(difference),
    )


def mean_right(languages: Sequence[SetPredictions]) -> NDArray[np.float64]:
    """Return, for each item, the share of languages in which it is answered right."""
    by_item: NDArray[np.float64] = np.mean([each.right for each in languages], axis=0)
    return by_item
