"""Answers to items that no model had trained on, and what follows from them."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.compressed import open_text
from models.evaluation.ask.predictions import PairLogits, SetPredictions
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.ask.twins import MIRROR_STEP
from models.evaluation.measure.calibration import bins_of, expected_calibration_error
from models.evaluation.measure.temperature import fit_temperature
from models.statistics import Bootstrap, Estimate

ENSEMBLE = "ensemble"
"""The mean of the seeds' logits: an upper bound, since it costs as many passes as seeds."""


@dataclass(frozen=True)
class OutOfFold:
    """The logits of each model on items that it has not seen."""

    numbers: tuple[int, ...]
    """COPA's own; a mirror has 1000 more than its twin."""
    labels: tuple[int, ...]
    logits: Mapping[str, PairLogits]
    """By model; each of shape ``[items, 2]``."""

    @classmethod
    def joined(cls, parts: Sequence[OutOfFold]) -> OutOfFold:
        """Put the folds together."""
        return cls(
            tuple(number for part in parts for number in part.numbers),
            tuple(label for part in parts for label in part.labels),
            {
                name: np.concatenate([part.logits[name] for part in parts])
                for name in parts[0].logits
            },
        )

    @property
    def seeds(self) -> list[str]:
        """The names of the single seeds."""
        return [name for name in self.logits if name.startswith("seed-") and "/" not in name]

    def save(self, path: Path) -> None:
        """Write a JSON object a line: ``id``, ``label``, and ``logits`` by model.

        A name that ends in ``.xz`` has them compressed.
        """
        with open_text(path, "wt") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in self._rows())

    @classmethod
    def load(cls, path: Path) -> OutOfFold:
        """Read what ``save`` wrote.

        Raises:
            EvaluationError: the file is missing, or is not what ``save`` writes.
        """
        try:
            with open_text(path, "rt") as lines:
                rows = [json.loads(line) for line in lines]
            return cls(
                tuple(row["id"] for row in rows),
                tuple(row["label"] for row in rows),
                {
                    name: np.array([row["logits"][name] for row in rows])
                    for name in rows[0]["logits"]
                },
            )
        except (OSError, lzma.LZMAError, EOFError, LookupError, ValueError, TypeError) as error:
            raise EvaluationError(f"{path} has no answers out of fold: {error!r}") from error

    def _rows(self) -> Iterator[dict[str, object]]:
        for index, (number, label) in enumerate(zip(self.numbers, self.labels, strict=True)):
            own = {name: logits[index].tolist() for name, logits in self.logits.items()}
            yield {"id": number, "label": label, "logits": own}


@dataclass(frozen=True)
class ModelFigures:
    """What one model, or several together, came to. Shares are from 0 to 1."""

    name: str
    accuracy: Estimate
    """The interval resamples pairs of twins."""
    both_right: Estimate
    """Of the pairs of twins."""
    temperature: float
    ece: float
    """Expected calibration error with temperature 1."""
    ece_scaled: float
    """With the fitted one, on the items that it was fitted on."""


def figures(answers: OutOfFold) -> list[ModelFigures]:
    """Return the figures of every model, then of the ensemble of the seeds."""
    logits = dict(answers.logits)
    if len(answers.seeds) > 1:
        logits[ENSEMBLE] = np.mean([logits[seed] for seed in answers.seeds], axis=0)
    return [_figures(name, own, answers) for name, own in logits.items()]


def mean_of_seeds(answers: OutOfFold) -> Estimate:
    """Return the mean accuracy of the single seeds, with the interval that resamples pairs."""
    right = np.mean([_pairs(answers, answers.logits[name])[0] for name in answers.seeds], axis=0)
    return Bootstrap.of(right.size).estimate(right)


def difference(first: OutOfFold, second: OutOfFold, name: str) -> tuple[Estimate, float]:
    """Return how much better the second is with the models of one name, and the p-value."""
    gained = _pairs(second, second.logits[name])[0] - _pairs(first, first.logits[name])[0]
    bootstrap = Bootstrap.of(gained.size)
    return bootstrap.estimate(gained), bootstrap.p_not_zero(gained)


def _figures(name: str, logits: PairLogits, answers: OutOfFold) -> ModelFigures:
    labels = np.array(answers.labels)
    mean, both = _pairs(answers, logits)
    temperature = fit_temperature(logits, labels)
    bootstrap = Bootstrap.of(mean.size)
    return ModelFigures(
        name,
        bootstrap.estimate(mean),
        bootstrap.estimate(both),
        temperature,
        _ece(SetPredictions(logits, labels)),
        _ece(SetPredictions(logits, labels, temperature)),
    )


def _pairs(
    answers: OutOfFold, logits: PairLogits
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each pair of twins the share that is right, and whether both are."""
    right = dict(
        zip(answers.numbers, SetPredictions(logits, np.array(answers.labels)).right, strict=True)
    )
    first = sorted(number for number in right if number <= MIRROR_STEP)
    own = np.array([right[number] for number in first])
    mirror = np.array([right[number + MIRROR_STEP] for number in first])
    return (own + mirror) / 2, own * mirror


def _ece(predictions: SetPredictions) -> float:
    confidence = np.maximum(predictions.second, 1 - predictions.second)
    return expected_calibration_error(bins_of(confidence, predictions.right))
