"""Whether a variant reads the premise, or uses only the words of the choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.ask.items import MIRRORS, english, without_premise
from models.evaluation.ask.predictions import Predictions
from models.evaluation.ask.twins import MIRROR_STEP
from models.statistics import Estimate, wilson


@dataclass(frozen=True)
class Twins:
    """Items and their mirrors (Kavumba et al. 2019, arXiv 1911.00225).

    Twins have the same two choices, and premises that make the one right here and the other
    there. Whoever never reads the premise chooses the same text twice, and never has both right;
    whoever guesses has both right in a quarter of the pairs.
    """

    originals: str
    """Their numbers in COPA."""
    mirrors: str
    """Their numbers in Balanced COPA."""
    pairs: int
    original: dict[str, Estimate]
    """Accuracy by variant; Wilson."""
    mirror: dict[str, Estimate]
    both: dict[str, Estimate]
    """Share of pairs with both right."""


@dataclass(frozen=True)
class WithoutPremise:
    """English items whose premise is replaced by a full stop.

    The right choice cannot be known, so accuracy above 50 % is what the choices betray by
    themselves. No model was trained on such input.
    """

    items: int
    accuracy: dict[str, Estimate]
    same_choice: dict[str, float]
    """Share of items with the answer that the premise gets too."""


@dataclass(frozen=True)
class Premise:
    """Both ways of asking it."""

    twins: tuple[Twins, ...]
    without: WithoutPremise


def probe(predictions: Predictions, split: str) -> Premise:
    """Compute the figures of both."""
    return Premise(
        # Some recipes choose checkpoints by the one and train on the other; some train on both.
        twins=(_twins(predictions, "val"), _twins(predictions, "train")),
        without=_without(predictions, split),
    )


def _twins(predictions: Predictions, split: str) -> Twins:
    ids = predictions.ids[english(split)]
    places = np.searchsorted(predictions.ids[MIRRORS], ids + MIRROR_STEP)
    original = {name: predictions.of(name, english(split)).right for name in predictions.variants}
    mirror = {name: predictions.of(name, MIRRORS).right[places] for name in predictions.variants}
    return Twins(
        originals=f"{ids[0]}-{ids[-1]}",
        mirrors=f"{ids[0] + MIRROR_STEP}-{ids[-1] + MIRROR_STEP}",
        pairs=len(ids),
        original={name: _accuracy(right) for name, right in original.items()},
        mirror={name: _accuracy(right) for name, right in mirror.items()},
        both={name: _accuracy(original[name] * mirror[name]) for name in predictions.variants},
    )


def _without(predictions: Predictions, split: str) -> WithoutPremise:
    whole = {name: predictions.of(name, english(split)) for name in predictions.variants}
    bare = {name: predictions.of(name, without_premise(split)) for name in predictions.variants}
    return WithoutPremise(
        items=len(predictions.ids[english(split)]),
        accuracy={name: _accuracy(each.right) for name, each in bare.items()},
        same_choice={
            name: float((each.choices == whole[name].choices).mean()) for name, each in bare.items()
        },
    )


def _accuracy(right: NDArray[np.float64]) -> Estimate:
    return wilson(int(right.sum()), right.size)
