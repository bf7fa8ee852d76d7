"""Answers by revision and token ids. Equal items that are asked at the same time run once.

Only the event loop uses it, so it has no lock.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Generic, TypeVar

from cachetools import LRUCache

UnderWay = TypeVar("UnderWay")
"""An item that runs or waits to run."""

ENTRY_OVERHEAD = 250
"""Bytes of an entry besides its key: the tuple, its floats, and its places in two maps."""


def answer_key(revision: str, rows: Sequence[Sequence[int]]) -> bytes:
    """Return everything that an answer depends on: the weights, and the token ids of every row."""
    numbers = array("I")
    for row in rows:
        numbers.append(len(row))
        numbers.extend(row)
    return revision.encode() + numbers.tobytes()


class AnswerCache(Generic[UnderWay]):
    """The most recently used answers, up to a number of bytes, and the items under way."""

    def __init__(self, max_bytes: int) -> None:
        self._answers: LRUCache[bytes, tuple[bytes, tuple[float, ...]]] = LRUCache(
            max_bytes, getsizeof=lambda entry: len(entry[0]) + ENTRY_OVERHEAD
        )
        self._under_way: dict[bytes, UnderWay] = {}

    @property
    def size(self) -> int:
        """Bytes of the answers in the cache."""
        return int(self._answers.currsize)

    def answer(self, key: bytes) -> tuple[float, ...] | None:
        """Return the answer, if it is in the cache."""
        entry = self._answers.get(key)
        return entry[1] if entry else None

    def under_way(self, key: bytes) -> UnderWay | None:
        """Return the equal item that is under way, if there is one."""
        return self._under_way.get(key)

    def begin(self, key: bytes, item: UnderWay) -> None:
        """Record that an item is under way."""
        self._under_way[key] = item

    def end(self, key: bytes, item: UnderWay, logits: tuple[float, ...] | None) -> None:
        """Record that an item is no longer under way, and keep its answer, if it has one."""
        if self._under_way.get(key) is item:
            del self._under_way[key]
        if logits is not None and len(key) + ENTRY_OVERHEAD <= self._answers.maxsize:
            self._answers[key] = (key, logits)
