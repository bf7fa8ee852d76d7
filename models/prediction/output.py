"""A line of the output: the row as it was, and its answer or what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.serving.answer import softmax
from models.evaluation.ask.predictor import ItemOutcome, Unanswered
from models.prediction.rows import FileRow

OWN = ("line", "label", "probabilities", "logits", "model", "revision", "error")
"""What is ours in a line; a field of the row with such a name is kept as ``input_NAME``.

Where the row has that field as well, because it is itself a line of such an output, the name gets
one more ``input_``.
"""

BEGINNING = b'{"line": '
"""Of every line."""

_LINE_ENDS = {ord(each): f"\\u{ord(each):04x}" for each in "\x85\u2028\u2029"}
"""Some programs end a line at these; JSON has them in strings alone, where they may be escaped."""


@dataclass(frozen=True)
class AnsweringModel:
    """Who answers."""

    name: str
    revision: str
    temperature: float = 1.0
    """See ``app.weights.variant_config``."""


def output_line(row: FileRow, outcome: ItemOutcome, model: AnsweringModel) -> bytes:
    """Return the line of a row, its end included: one JSON object."""
    return _encoded({**kept_fields(row), **_answer(row, outcome, model)})


def choice_of(outcome: ItemOutcome) -> int | None:
    """Return the choice with the larger logit, of equals the first as the service does."""
    return None if isinstance(outcome, Unanswered) else outcome.index(max(outcome))


def bad_row(row: FileRow) -> Unanswered:
    """Return the outcome of a row that asks nothing."""
    detail = "; ".join(f"{error.field}: {error.message}" for error in row.errors)
    return Unanswered(detail, row.errors)


def kept_fields(row: FileRow) -> dict[str, Any]:
    """Return what a line repeats of its row, its number first."""
    renamed = {_kept_name(name, row.fields): own for name, own in row.fields.items()}
    return {"line": row.line, **renamed}


def _kept_name(name: str, fields: Container[str]) -> str:
    if name not in OWN:
        return name
    kept = f"input_{name}"
    while kept in fields:
        kept = f"input_{kept}"
    return kept


def _answer(row: FileRow, outcome: ItemOutcome, model: AnsweringModel) -> Mapping[str, Any]:
    if isinstance(outcome, Unanswered):
        detail = f"line {row.line}: {outcome.detail}"
        return {"error": {"detail": detail, "errors": [asdict(error) for error in outcome.errors]}}
    return {
        "label": choice_of(outcome),
        "probabilities": softmax(outcome, model.temperature),
        "logits": outcome,
        "model": model.name,
        "revision": model.revision,
    }


def _encoded(content: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(content, ensure_ascii=False)
        return f"{text.translate(_LINE_ENDS)}\n".encode()
    except UnicodeEncodeError:
        # A lone surrogate of the row's: only escaped can it be written at all.
        return f"{json.dumps(content)}\n".encode()
