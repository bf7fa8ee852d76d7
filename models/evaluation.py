"""``xcopa evaluate``: accuracy by language of both variants, zero-shot, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from app.engine.model import Variant
from app.engine.tokenizer import Rows
from app.errors import InvalidRequestError
from models.statistics import Estimate, clustered_mean, wilson
from models.tasks import copa, xcopa
from models.tasks.example import DataError, Example
from models.tasks.xcopa import Questions

ENGLISH = "en"
AVERAGE = "xcopa"
"""The mean over the eleven languages of XCOPA, English left out."""

BATCH_ITEMS = 16


@dataclass(frozen=True)
class Row:
    """One line of the table: a language, or the average, under one reading of the questions."""

    questions: Questions
    language: str
    items: int
    accuracy: dict[str, Estimate]
    """By the name of the variant."""
    difference: Estimate | None
    """stilts minus direct, paired by item."""


@dataclass(frozen=True)
class Report:
    """An evaluation, ready for a table or a file."""

    split: str
    revisions: dict[str, str]
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(
    variants: Mapping[str, Variant],
    data: Path,
    split: str,
    questions: Sequence[Questions],
    advance: Callable[[int], None] = lambda _: None,
) -> Report:
    """Measure every variant on English COPA and on XCOPA.

    Args:
        variants: by name.
        data: a directory with ``copa/`` and ``xcopa/``.
        split: ``val`` or ``test``.
        questions: the readings of XCOPA's ``question`` field to report.
        advance: called with the number of items done since the last call.

    Raises:
        DataError: a file is missing or wrong, or an item cannot be scored.
    """
    scorer = _Scorer(variants, advance)
    rows: list[Row] = []
    english = scorer.scores(copa.load(data, split))
    for reading in questions:
        rows.append(_row(reading, ENGLISH, english))
        by_language = {
            language: scorer.scores(xcopa.load(data, language, split, reading))
            for language in xcopa.LANGUAGES
        }
        rows += [_row(reading, language, scores) for language, scores in by_language.items()]
        rows.append(_average(reading, by_language.values()))
    revisions = {name: variant.revision for name, variant in variants.items()}
    return Report(split, revisions, tuple(rows))


def items_to_score(data: Path, split: str, readings: int, variants: int) -> int:
    """Return how many items an evaluation goes through, for a progress bar."""
    english = len(copa.load(data, split))
    return variants * english * (1 + readings * len(xcopa.LANGUAGES))


Scores = dict[str, NDArray[np.float64]]
"""By variant: 1 for each item answered right, 0 for the others."""


class _Scorer:
    """Answers examples with every variant, each only once: most read the same when repaired."""

    def __init__(self, variants: Mapping[str, Variant], advance: Callable[[int], None]) -> None:
        self._variants = variants
        self._advance = advance
        self._known: dict[str, dict[Example, bool]] = {name: {} for name in variants}

    def scores(self, examples: Sequence[Example]) -> Scores:
        return {name: self._right(name, examples) for name in self._variants}

    def _right(self, name: str, examples: Sequence[Example]) -> NDArray[np.float64]:
        known = self._known[name]
        unknown = list(dict.fromkeys(example for example in examples if example not in known))
        self._advance(len(examples) - len(unknown))
        self._answer(self._variants[name], unknown, known)
        return np.array([known[example] for example in examples], dtype=np.float64)

    def _answer(
        self, variant: Variant, examples: Sequence[Example], known: dict[Example, bool]
    ) -> None:
        encoded = variant.tokenizer.encode([example.item for example in examples])
        rows = [_rows(*pair) for pair in zip(encoded, examples, strict=True)]
        # Neighbours of like length waste little on padding.
        order = sorted(range(len(rows)), key=lambda index: max(map(len, rows[index])))
        for start in range(0, len(order), BATCH_ITEMS):
            batch = order[start : start + BATCH_ITEMS]
            logits = iter(variant.engine.logits([row for index in batch for row in rows[index]]))
            for index in batch:
                scores = [next(logits) for _ in rows[index]]
                known[examples[index]] = scores.index(max(scores)) == examples[index].label
            self._advance(len(batch))


def _rows(rows: Rows | InvalidRequestError, example: Example) -> Rows:
    if isinstance(rows, InvalidRequestError):
        raise DataError(f"{example.item}: {rows}")
    return rows


def _row(questions: Questions, language: str, scores: Scores) -> Row:
    items = len(next(iter(scores.values())))
    accuracy = {name: wilson(int(right.sum()), items) for name, right in scores.items()}
    return Row(questions, language, items, accuracy, _difference([scores]))


def _average(questions: Questions, by_language: Iterable[Scores]) -> Row:
    languages = list(by_language)
    tables = {name: np.stack([scores[name] for scores in languages]) for name in languages[0]}
    accuracy = {name: clustered_mean(table) for name, table in tables.items()}
    items = sum(len(next(iter(scores.values()))) for scores in languages)
    return Row(questions, AVERAGE, items, accuracy, _difference(languages))


def _difference(languages: Sequence[Scores]) -> Estimate | None:
    if not {"direct", "stilts"} <= languages[0].keys():
        return None
    return clustered_mean(np.stack([scores["stilts"] - scores["direct"] for scores in languages]))


def print_report(report: Report, console: Console) -> None:
    """Print one table for each reading of the questions."""
    for questions in dict.fromkeys(row.questions for row in report.rows):
        rows = [row for row in report.rows if row.questions == questions]
        console.print(_table(report, questions, rows))


def _table(report: Report, questions: Questions, rows: Sequence[Row]) -> Table:
    table = Table(title=f"Accuracy in %, {report.split}, questions = {questions}")
    table.add_column("language")
    table.add_column("items", justify="right")
    for name in rows[0].accuracy:
        table.add_column(f"{name} ({report.revisions[name]})", justify="right")
    table.add_column("stilts - direct", justify="right")
    for row in rows:
        cells = [_percent(estimate) for estimate in row.accuracy.values()]
        difference = _percent(row.difference, sign="+") if row.difference else "-"
        table.add_row(row.language, str(row.items), *cells, difference)
    return table


def _percent(estimate: Estimate, sign: str = "") -> str:
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{100 * estimate.value:{sign}.1f} [{low:{sign}.1f}, {high:{sign}.1f}]"
