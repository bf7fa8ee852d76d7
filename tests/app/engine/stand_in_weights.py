"""What a template of the tests holds: engines that do what the second token of a row says."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.engine.engine import Engine, Row
from app.engine.plan import EnginePlan
from app.engine.processes.messages import Order
from app.errors import StartError

FACTORY = f"{__name__}:load"

PID, RAISE, BREAK, KILL, CRASH, EXIT, STICK, HOLD, LOG, EAT, ROWS = range(1000, 1011)
"""What the second token of a row may ask for; any other row is answered with the sum of its ids."""


@dataclass(frozen=True)
class Wanted:
    """How the stand-in behaves."""

    engines: int = 2
    refusal: str = ""
    """Of the factory, as a ``StartError``."""
    defect: str = ""
    """Of the factory, as something else."""
    deaths: str = ""
    """A directory; each file in it ends an engine before that is ready, and is taken away."""
    seconds: float = 0.0
    """That loading takes."""


def order(wanted: Wanted | None = None) -> Order:
    return Order(FACTORY, wanted or Wanted(), logging.INFO)


def load(wanted: Wanted) -> StandIn:
    time.sleep(wanted.seconds)
    if wanted.refusal:
        raise StartError(wanted.refusal)
    if wanted.defect:
        raise ValueError(wanted.defect)
    return StandIn(wanted)


class StandIn:
    """A ``SharedWeights`` with two models; the second one's answers are negative."""

    def __init__(self, wanted: Wanted) -> None:
        self.about = {"of": "the stand-in", "pid": os.getpid(), "nice": os.nice(0)}
        self.plan = EnginePlan(wanted.engines, 1)
        self._deaths = wanted.deaths

    def warm_up(self) -> None:
        """Nothing to compile."""

    def engines(self, number: int) -> Sequence[Engine]:
        if self._deaths and (left := sorted(Path(self._deaths).iterdir())):
            left[0].unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return [ObedientEngine(number, 1), ObedientEngine(number, -1)]


class ObedientEngine:
    """Does what the second token of a row says."""

    def __init__(self, number: int, sign: int) -> None:
        self._number = number
        self._sign = sign
        self._broken = False

    def warm_up(self) -> None:
        """Nothing to do."""

    def logits(self, rows: Sequence[Row]) -> list[float]:
        return [self._logit(row, rows) for row in rows]

    def _logit(self, row: Row, rows: Sequence[Row]) -> float:
        asked = row[1] if len(row) > 1 else -1
        if self._broken or asked == BREAK:
            self._broken = True
            raise ValueError("broken for good")
        if asked == PID:
            return os.getpid()
        if asked == ROWS:
            return len(rows)
        if asked == LOG:
            logging.getLogger("stand.in").warning("engine %d: %s", self._number, "x" * row[2])
        if asked in ENDS:
            ENDS[asked](row)
        return self._sign * float(sum(row))


def _raise(_: Row) -> None:
    raise ValueError("as the row says")


def _eat(row: Row) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (row[2], row[2]))
    bytearray(1 << 40)


ENDS: Mapping[int, Callable[[Row], object]] = {
    RAISE: _raise,
    KILL: lambda _: os.kill(os.getpid(), signal.SIGKILL),
    CRASH: lambda _: ctypes.string_at(0),
    EXIT: lambda _: os._exit(3),
    STICK: lambda _: time.sleep(3600),
    HOLD: lambda row: time.sleep(row[2] / 1000),
    EAT: _eat,
}
