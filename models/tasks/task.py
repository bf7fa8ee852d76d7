"""A task: a set, facts about it, and the head that learns it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from models.tasks.example import AnyExample, Examples, Head
from models.tasks.reading.hub import HubSplit


@dataclass(frozen=True)
class Task:
    """A set by the name that recipes give it."""

    name: str
    title: str
    paper: str
    licence: str
    head: Head
    load: Callable[[Path | None, str], Examples]
    """Reads a split, ``train`` or ``val``, of a data directory, or of the hub if that is None.

    Raises DataError: no such split, a missing file, a hub out of reach, or a row that is wrong.
    """
    hub: tuple[HubSplit, ...] = ()
    """What is downloaded if no directory is named."""
    labels: tuple[str, ...] = ()
    """The classes, if the task always has the same ones."""
    read_labels: Callable[[Path | None], tuple[str, ...]] | None = None
    """Reads the classes, if they are part of the data."""

    def label_names(self, data: Path | None) -> tuple[str, ...]:
        """Return the classes of a classification or tagging task, in the order of their index.

        Raises:
            DataError: they are part of the data, and it cannot be read.
        """
        return self.labels if self.read_labels is None else self.read_labels(data)


def digest(examples: Iterable[AnyExample]) -> str:
    """Return the SHA-256 of examples in order, the same wherever they were loaded from."""
    state = hashlib.sha256()
    for example in examples:
        content = [type(example).__name__, asdict(example)]
        line = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        state.update(line.encode() + b"\n")
    return state.hexdigest()
