"""Rows, and a predictor that needs no model."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.predictor import ItemOutcome, Unanswered
from models.prediction.rows import FileRow, read_rows

QUESTION = {"premise": "It rained.", "choice1": "A", "choice2": "B", "question": "effect"}
HEADER = "premise,choice1,choice2,question\n"


def question(number: int, **more: object) -> dict[str, Any]:
    return {**QUESTION, "premise": f"It rained {number} times.", **more}


def json_file(*rows: object) -> bytes:
    return b"".join(
        (each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in rows
    )


def table(*lines: str, header: str = HEADER) -> bytes:
    return (header + "".join(f"{line}\n" for line in lines)).encode()


def read(content: bytes, name: str = "-") -> list[FileRow]:
    return list(read_rows(io.BytesIO(content), Path(name)))


def summary(rows: Sequence[FileRow]) -> list[tuple[int, str]]:
    """Return for each row its line, and its premise or the first field that is wrong."""
    return [(row.line, row.item.premise if row.item else f"{row.errors[0].field}!") for row in rows]


class Guesser:
    """Draws logits from the text of an item; refuses the word that it is told to."""

    def __init__(self, revision: str = "abc", refused: str = "nothing") -> None:
        self.revision = revision
        self.temperature = 1.0
        self.asked: list[CausalItem] = []
        self._refused = refused

    def outcomes(self, items: Sequence[CausalItem]) -> list[ItemOutcome]:
        self.asked += items
        return [self._outcome(item) for item in items]

    def _outcome(self, item: CausalItem) -> ItemOutcome:
        if self._refused in item.premise:
            return Unanswered("the model failed")
        drawn = zlib.crc32(item.premise.encode())
        return drawn % 997 / 997, drawn % 991 / 991
