"""The logits of every run on every item set. All figures are computed from them."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped]

from models.compressed import open_text
from models.evaluation.ask.items import ItemSets, SetKey, distinct
from models.evaluation.ask.predictor import EvaluationError, Run

PairLogits = NDArray[np.float64]
"""Shape ``[items, 2]``."""

AdvanceRun = Callable[[str, int], None]
"""Called with the name of a run, and the number of items that it predicted since the last call."""


@dataclass(frozen=True)
class SetPredictions:
    """The predictions of one run on one item set."""

    logits: PairLogits
    labels: NDArray[np.int64]
    temperature: float = 1.0
    """What the variant divides its logits by to give probabilities."""

    @cached_property
    def choices(self) -> NDArray[np.int64]:
        """The choice with the larger logit, as the service answers; shape ``[items]``."""
        choices: NDArray[np.int64] = self.logits.argmax(axis=1)
        return choices

    @cached_property
    def right(self) -> NDArray[np.float64]:
        """1 for each item with the right choice, 0 for the others; shape ``[items]``."""
        right: NDArray[np.float64] = (self.choices == self.labels).astype(np.float64)
        return right

    @cached_property
    def second(self) -> NDArray[np.float64]:
        """The probability of the second choice, a softmax of the two; shape ``[items]``."""
        probability: NDArray[np.float64] = expit(
            (self.logits[:, 1] - self.logits[:, 0]) / self.temperature
        )
        return probability


@dataclass(frozen=True)
class Predictions:
    """The predictions of all runs on all item sets."""

    ids: Mapping[SetKey, NDArray[np.int64]]
    labels: Mapping[SetKey, NDArray[np.int64]]
    logits: Mapping[str, Mapping[SetKey, PairLogits]]
    """By run."""
    temperatures: Mapping[str, float] = field(default_factory=dict)
    """By run; 1 where it is not named."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the variants that were asked, in their order, without their seeds."""
        return tuple(name for name in self.logits if "/" not in name)

    def of(self, run: str, key: SetKey) -> SetPredictions:
        temperature = self.temperatures.get(run, 1.0)
        return SetPredictions(self.logits[run][key], self.labels[key], temperature)


def predict_all(
    runs: Sequence[Run], item_sets: ItemSets, advance_run: AdvanceRun
) -> tuple[Predictions, dict[str, str]]:
    """Ask every run for every item, each distinct item once.

    A seed with the same weights as its shipped variant is not asked again.

    Returns:
        The predictions, and the revision of each run by its name.

    Raises:
        DataError: an item cannot be predicted.
        EvaluationError: a model cannot be asked, or a logit is not finite.
    """
    items = distinct(item_sets)
    known: dict[tuple[str, str], PairLogits] = {}
    revisions: dict[str, str] = {}
    temperatures: dict[str, float] = {}
    for run in runs:
        advance = partial(advance_run, run.name)
        advance(0)
        predictor = run.open()
        revisions[run.name] = predictor.revision
        temperatures[run.name] = predictor.temperature
        weights = (run.variant, predictor.revision)
        if weights in known:
            advance(len(items))
        else:
            known[weights] = _finite(run, predictor.logits(items, advance))
        # Frees the model before the next one is opened.
        del predictor
    place = {item: index for index, item in enumerate(items)}
    order = {key: [place[item] for item in item_set.items] for key, item_set in item_sets.items()}
    logits = {
        each.name: {
            key: known[each.variant, revisions[each.name]][places] for key, places in order.items()
        }
        for each in runs
    }
    ids = {key: np.array(item_set.ids) for key, item_set in item_sets.items()}
    labels = {key: np.array(item_set.labels) for key, item_set in item_sets.items()}
    return Predictions(ids, labels, logits, temperatures), revisions


def _finite(run: Run, logits: PairLogits) -> PairLogits:
    if not np.isfinite(logits).all():
        raise EvaluationError(f"{run.name} answers with logits that are not finite numbers")
    return logits


def save(predictions: Predictions, path: Path) -> None:
    """Write a line with a JSON object for each item of each item set, without its text.

    The fields: ``task``, ``split``, ``language``, ``questions`` (null if there is only one
    reading), ``id`` (COPA's), ``label``, and ``logits`` by run, two each. A name that ends in
    ``.xz`` has them compressed.
    """
    with open_text(path, "wt") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in _rows(predictions))


def _rows(predictions: Predictions) -> Iterator[dict[str, object]]:
    for key, ids in predictions.ids.items():
        for index, number in enumerate(ids.tolist()):
            yield {
                **asdict(key),
                "id": number,
                "label": int(predictions.labels[key][index]),
                "logits": {
                    run: own[key][index].tolist() for run, own in predictions.logits.items()
                },
            }


def load(path: Path, temperatures: Mapping[str, float]) -> Predictions:
    """Read what ``save`` wrote.

    Args:
        path: the file.
        temperatures: by run, which the file does not have.

    Raises:
        EvaluationError: the file is missing, or is not what ``save`` writes.
    """
    ids: dict[SetKey, list[int]] = {}
    labels: dict[SetKey, list[int]] = {}
    logits: dict[str, dict[SetKey, list[list[float]]]] = {}
    try:
        with open_text(path, "rt") as lines:
            for row in map(json.loads, lines):
                key = SetKey(row["task"], row["split"], row["language"], row["questions"])
                ids.setdefault(key, []).append(row["id"])
                labels.setdefault(key, []).append(row["label"])
                for run, pair in row["logits"].items():
                    logits.setdefault(run, {}).setdefault(key, []).append(pair)
    except (OSError, lzma.LZMAError, EOFError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"{path} has no predictions: {error!r}") from error
    return Predictions(
        {key: np.array(own) for key, own in ids.items()},
        {key: np.array(own) for key, own in labels.items()},
        {run: {key: np.array(own) for key, own in keys.items()} for run, keys in logits.items()},
        temperatures,
    )
