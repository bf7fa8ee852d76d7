"""What cascades come to: the threshold from English validation, the figures from the test sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.settings import DIRECT, STILTS
from loadtests.study.answers import ENGLISH_TEST, NINE_TEST, REWORDED, VALIDATION
from loadtests.study.cascade import Operating, choose, operate, sweep, unsure
from models.evaluation.ask.items import SetKey
from models.evaluation.ask.predictions import Predictions
from models.statistics import Bootstrap, Estimate

MOST_PASSES = 1.5
"""Of a model, an item: what a cascade may cost on validation, stated beforehand."""

PAIRS = ((DIRECT, STILTS), (STILTS, DIRECT), (STILTS, REWORDED))
"""Who is asked, and who after it. The first pair is run for real, too."""


@dataclass(frozen=True)
class CascadeFigures:
    """A cascade on the test sets. Accuracies are means over the nine languages unless named."""

    first: str
    second: str
    most_passes: float
    validation: Operating
    """What was chosen, on English validation."""
    passes: float
    """On the nine languages, as it came out."""
    accuracy: Estimate
    english: Estimate
    first_alone: Estimate
    """One pass."""
    second_alone: Estimate
    """One pass."""
    by_chance: Estimate
    """At equal cost: the second model is asked of as many items, and of any."""
    gain: Estimate
    """Over asking at equal cost by chance."""
    p: float
    """Of no such gain, two-sided."""
    curve: tuple[Operating, ...]
    """On the nine languages, at every threshold."""

    @property
    def name(self) -> str:
        return f"{self.first}, then {self.second}"


def cascades(predictions: Predictions) -> tuple[CascadeFigures, ...]:
    """Compute every cascade."""
    return tuple(_cascade(predictions, first, second) for first, second in PAIRS)


def _cascade(predictions: Predictions, first: str, second: str) -> CascadeFigures:
    points = sweep(predictions.of(first, VALIDATION), predictions.of(second, VALIDATION))
    chosen = choose(points, MOST_PASSES)
    nine = _Scores.of(predictions, first, second, NINE_TEST, chosen.threshold)
    english = _Scores.of(predictions, first, second, (ENGLISH_TEST,), chosen.threshold)
    drawn = Bootstrap.of(nine.first.size)
    gains = nine.cascade - nine.by_chance
    return CascadeFigures(
        first=first,
        second=second,
        most_passes=MOST_PASSES,
        validation=chosen,
        passes=1 + nine.asked,
        accuracy=drawn.estimate(nine.cascade),
        english=Bootstrap.of(english.first.size).estimate(english.cascade),
        first_alone=drawn.estimate(nine.first),
        second_alone=drawn.estimate(nine.second),
        by_chance=drawn.estimate(nine.by_chance),
        gain=drawn.estimate(gains),
        p=drawn.p_not_zero(gains),
        curve=tuple(_point(predictions, first, second, each.threshold) for each in points),
    )


def _point(predictions: Predictions, first: str, second: str, threshold: float) -> Operating:
    own = [
        operate(predictions.of(first, key), predictions.of(second, key), threshold)
        for key in NINE_TEST
    ]
    passes = float(np.mean([each.passes for each in own]))
    return Operating(threshold, passes, float(np.mean([each.accuracy for each in own])))


@dataclass(frozen=True)
class _Scores:
    """Scores of items, each the mean over its translations; shape ``[items]``."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    cascade: NDArray[np.float64]
    asked: float
    """The share of all answers for which the second is asked."""

    @classmethod
    def of(
        cls,
        predictions: Predictions,
        first: str,
        second: str,
        keys: Sequence[SetKey],
        threshold: float,
    ) -> _Scores:
        one = np.stack([predictions.of(first, key).right for key in keys])
        other = np.stack([predictions.of(second, key).right for key in keys])
        asked = np.stack([unsure(predictions.of(first, key), threshold) for key in keys])
        both = np.where(asked, other, one)
        return cls(one.mean(axis=0), other.mean(axis=0), both.mean(axis=0), float(asked.mean()))

    @property
    def by_chance(self) -> NDArray[np.float64]:
        """What is to be expected if the second is asked of the same share of items, drawn."""
        return (1 - self.asked) * self.first + self.asked * self.second
