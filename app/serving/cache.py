"""Answers by revision and token ids, and one run for equal items that are asked at once.

Used on the event loop alone, so nothing here locks.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Generic, TypeVar

from cachetools import LRUCache

Flight = TypeVar("Flight")
Logits = tuple[float, ...]

ENTRY_OVERHEAD = 250
"""Bytes an entry takes beside its key: the tuple and its floats, and its places in two maps."""


def answer_key(revision: str, rows: Sequence[Sequence[int]]) -> bytes:
    """Return what an answer depends on: the weights, and the token ids of every row."""
    numbers = array("I")
    for row in rows:
        numbers.append(len(row))
        numbers.extend(row)
    return revision.encode() + numbers.tobytes()


class AnswerCache(Generic[Flight]):
    """The answers used last, up to a number of bytes, and the flights under way."""

    def __init__(self, max_bytes: int) -> None:
        self._answers: LRUCache[bytes, tuple[bytes, Logits]] = LRUCache(
            max_bytes, getsizeof=lambda entry: len(entry[0]) + ENTRY_OVERHEAD
        )
        self._flights: dict[bytes, Flight] = {}

    @property
    def size(self) -> int:
        """Bytes of the answers that are kept."""
        return int(self._answers.currsize)

    def answer(self, key: bytes) -> Logits | None:
        """Return the answer that is kept, if one is."""
        entry = self._answers.get(key)
        return entry[1] if entry else None

    def flight(self, key: bytes) -> Flight | None:
        """Return the run of an equal item that is under way, if one is."""
        return self._flights.get(key)

    def begin(self, key: bytes, flight: Flight) -> None:
        self._flights[key] = flight

    def end(self, key: bytes, flight: Flight, logits: Logits | None) -> None:
        """Keep the answer of a flight; one that ended without leaves nothing behind."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        if logits is not None and len(key) + ENTRY_OVERHEAD <= self._answers.maxsize:
            self._answers[key] = (key, logits)
