"""Where batches run: one at a time in this process, or each on an engine of a pool.

Whoever runs batches takes a seat, composes a batch for it, and leaves. This module imports no
torch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from app.engine.engine import Engine, Row


class EngineLostError(RuntimeError):
    """The process of an engine ended, or was ended, before it answered."""


class PassFailedError(RuntimeError):
    """The forward pass raised in the process of its engine; the message is its traceback."""


class Seat(Protocol):
    """The right to run one batch."""

    @property
    def split(self) -> bool:
        """Whether the rows of the last pass were shared out over several engines."""

    def logits(self, model: str, rows: Sequence[Row], *, spread: bool = False) -> Sequence[float]:
        """Return one logit for each row; may be called again, as for the halves of a batch.

        Args:
            model: whose engine runs the rows.
            rows: see ``Engine.logits``.
            spread: whether engines that are idle may take some of the rows.

        Raises:
            EngineLostError: an engine ended; the rows may be run again.
            Exception: what the pass raised.
        """

    def end(self) -> bool:
        """End the process that runs the pass; return False where there is none to end."""

    def leave(self) -> None:
        """Let the next batch have the seat."""


class Seats(Protocol):
    """All places where a batch may run."""

    @property
    def most(self) -> int:
        """How many batches may run at once."""

    @property
    def moving(self) -> int:
        """How many engines are there now; fewer than ``most`` while one is replaced."""

    @property
    def busy(self) -> int:
        """How many of these are at work."""

    @property
    def seconds_without_engine(self) -> float:
        """For how long there has been none to run a batch."""

    def take(self) -> Seat | None:
        """Return a seat, or None while every engine is at work."""

    def watch(self, on_free: Callable[[], None]) -> None:
        """Have a function called when a seat is free that its last owner has not left."""


class OneSeat:
    """Batches run in this process, one at a time. Is a ``Seats`` and its only ``Seat``."""

    most = 1
    moving = 1
    seconds_without_engine = 0.0
    split = False

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = engines
        self._taken = threading.Lock()

    @property
    def busy(self) -> int:
        """See ``Seats``."""
        return int(self._taken.locked())

    def take(self) -> OneSeat | None:
        return self if self._taken.acquire(blocking=False) else None

    def watch(self, on_free: Callable[[], None]) -> None:
        """Nothing to tell: who leaves the seat takes it again."""

    def logits(
        self,
        model: str,
        rows: Sequence[Row],
        *,
        spread: bool = False,  # noqa: ARG002 - see ``Seat``
    ) -> Sequence[float]:
        return self._engines[model].logits(rows)

    def end(self) -> bool:
        return False

    def leave(self) -> None:
        self._taken.release()
