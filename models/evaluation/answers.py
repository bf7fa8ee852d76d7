"""The logits of every run on every sheet: what all figures are computed from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped]

from models.evaluation.answerers import Contestant, EvaluationError
from models.evaluation.sheets import Key, Sheets, distinct

Logits = NDArray[np.float64]
"""Shape ``[items, 2]``."""

Watch = Callable[[str, int], None]
"""Called with a run, and the number of items that it answered since the last call."""


@dataclass(frozen=True)
class Answered:
    """A run's answers to a sheet."""

    logits: Logits
    labels: NDArray[np.int64]

    @cached_property
    def choices(self) -> NDArray[np.int64]:
        """The choice with the larger logit, as the service answers; shape ``[items]``."""
        choices: NDArray[np.int64] = self.logits.argmax(axis=1)
        return choices

    @cached_property
    def right(self) -> NDArray[np.float64]:
        """1 for each item answered right, 0 for the others; shape ``[items]``."""
        right: NDArray[np.float64] = (self.choices == self.labels).astype(np.float64)
        return right

    @cached_property
    def second(self) -> NDArray[np.float64]:
        """The probability of the second choice, a softmax of the two; shape ``[items]``."""
        probability: NDArray[np.float64] = expit(self.logits[:, 1] - self.logits[:, 0])
        return probability


@dataclass(frozen=True)
class Answers:
    """All sheets as all runs answered them."""

    ids: Mapping[Key, NDArray[np.int64]]
    labels: Mapping[Key, NDArray[np.int64]]
    logits: Mapping[str, Mapping[Key, Logits]]
    """By run."""

    def of(self, run: str, key: Key) -> Answered:
        return Answered(self.logits[run][key], self.labels[key])


def ask(
    contestants: Sequence[Contestant], sheets: Sheets, watch: Watch
) -> tuple[Answers, dict[str, str]]:
    """Ask every contestant every item, each distinct item once.

    A seed with the weights of its shipped variant is not asked again.

    Returns:
        The answers, and the revision of each run.

    Raises:
        DataError: an item cannot be answered.
        EvaluationError: a model cannot be asked, or answers with no number.
    """
    items = distinct(sheets)
    known: dict[tuple[str, str], Logits] = {}
    revisions: dict[str, str] = {}
    for contestant in contestants:
        advance = partial(watch, contestant.run)
        advance(0)
        answerer = contestant.open()
        revisions[contestant.run] = answerer.revision
        weights = (contestant.variant, answerer.revision)
        if weights in known:
            advance(len(items))
        else:
            known[weights] = _finite(contestant, answerer.logits(items, advance))
        # Frees the model before the next one is opened.
        del answerer
    place = {item: index for index, item in enumerate(items)}
    order = {key: [place[item] for item in sheet.items] for key, sheet in sheets.items()}
    logits = {
        each.run: {
            key: known[each.variant, revisions[each.run]][places] for key, places in order.items()
        }
        for each in contestants
    }
    ids = {key: np.array(sheet.ids) for key, sheet in sheets.items()}
    labels = {key: np.array(sheet.labels) for key, sheet in sheets.items()}
    return Answers(ids, labels, logits), revisions


def _finite(contestant: Contestant, logits: Logits) -> Logits:
    if not np.isfinite(logits).all():
        raise EvaluationError(f"{contestant.run} answers with logits that are no numbers")
    return logits


def save(answers: Answers, path: Path) -> None:
    """Write one JSON object a line for each item of each sheet, without its text.

    The fields: ``task``, ``split``, ``language``, ``questions`` (null where there is one reading
    alone), ``id`` (COPA's), ``label``, and ``logits`` by run, two each.
    """
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in _rows(answers))


def _rows(answers: Answers) -> Iterator[dict[str, object]]:
    for key, ids in answers.ids.items():
        for index, number in enumerate(ids.tolist()):
            yield {
                **asdict(key),
                "id": number,
                "label": int(answers.labels[key][index]),
                "logits": {run: own[key][index].tolist() for run, own in answers.logits.items()},
            }


def load(path: Path) -> Answers:
    """Read what ``save`` wrote.

    Raises:
        EvaluationError: the file is missing, or is not what ``save`` writes.
    """
    ids: dict[Key, list[int]] = {}
    labels: dict[Key, list[int]] = {}
    logits: dict[str, dict[Key, list[list[float]]]] = {}
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            key = Key(row["task"], row["split"], row["language"], row["questions"])
            ids.setdefault(key, []).append(row["id"])
            labels.setdefault(key, []).append(row["label"])
            for run, pair in row["logits"].items():
                logits.setdefault(run, {}).setdefault(key, []).append(pair)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"{path} holds no predictions: {error!r}") from error
    return Answers(
        {key: np.array(own) for key, own in ids.items()},
        {key: np.array(own) for key, own in labels.items()},
        {run: {key: np.array(own) for key, own in keys.items()} for run, keys in logits.items()},
    )
