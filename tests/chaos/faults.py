"""What a test and the server it torments share: the fault that is on, and the engine's log.

Both are files in one directory, so that a fault can be switched while the server runs.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

Row = Sequence[int]


class Mode(StrEnum):
    """What the engine does with a batch."""

    OK = "ok"
    POISON = "poison"
    """Raises when a row holds the poison token."""
    RAISE = "raise"
    STICK = "stick"
    """Does not come back before the mode is another one."""
    DIE = "die"
    """Ends the thread it runs on, once."""
    EAT = "eat"
    """Asks for more memory than there is, if that is limited."""
    KILL = "kill"
    """Kills its process when a row holds the poison token."""
    SLOW = "slow"
    """Takes ``seconds`` more."""


@dataclass(frozen=True)
class Fault:
    """The fault that is on."""

    mode: Mode = Mode.OK
    seconds: float = 0.0
    poison_token: int = -1


@dataclass(frozen=True)
class Batch:
    """One call of an engine."""

    model: str
    rows: list[list[int]]
    at: float
    """When it was given the batch, on the clock that all processes of a machine share."""

    def holds(self, token: int) -> bool:
        return any(token in row for row in self.rows)


class Faults:
    """The directory through which a test steers the engines of one server."""

    VARIABLE = "CHAOS_DIRECTORY"
    """Names the directory to the server."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._fault = directory / "fault.json"
        self._log = directory / "batches.jsonl"

    @classmethod
    def from_environment(cls) -> Self:
        return cls(Path(os.environ[cls.VARIABLE]))

    def set(self, mode: Mode, seconds: float = 0.0, poison_token: int = -1) -> None:
        # Renamed into place: the engine never reads half a file.
        draft = self.directory / f"fault-{os.getpid()}-{threading.get_ident()}.json"
        draft.write_text(json.dumps(asdict(Fault(mode, seconds, poison_token))), encoding="utf-8")
        draft.replace(self._fault)

    def clear(self) -> None:
        self._fault.unlink(missing_ok=True)

    @property
    def now(self) -> Fault:
        try:
            fields = json.loads(self._fault.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Fault()
        return Fault(**{**fields, "mode": Mode(fields["mode"])})

    def note(self, batch: Batch) -> None:
        """Write down that an engine was given a batch."""
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(asdict(batch)) + "\n")

    def batches(self, since: int = 0) -> list[Batch]:
        """Return what the engines were given, but for the first ``since`` batches."""
        lines = self._log.read_text(encoding="utf-8").split("\n")[since:-1]
        return [Batch(**json.loads(line)) for line in lines]
