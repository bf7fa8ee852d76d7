"""Measures plans of engines as they will be run: in forked processes, all of them busy.

The process that calls this must run no threads, since it forks. All plans take turns, so that what
else the machine does falls on all of them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from app.clock import Clock
from app.engine.engine import Engine
from app.engine.lanes import shares
from app.engine.plan import EnginePlan, MeasuredPlan
from app.engine.processes.forks import fork
from app.engine.processes.nodes import bind
from app.process import use_threads

log = logging.getLogger(__name__)

Lengths = Sequence[int]
"""Tokens of each row of a batch."""

FULL: Lengths = (22, 17, 29, 20, 37, 24, 19, 45, 43)
"""A full batch: 256 tokens, in rows like those of XCOPA (15 to 59 tokens, median 22)."""
LONE: Lengths = (22, 29)
"""An item, which has two rows."""

ROUNDS = 7
BUDGET_S = 2.0
"""After so many seconds no further round begins."""
ANSWER_LIMIT_S = 30.0
"""A pass that takes longer is none to wait for."""


def measure_plans(
    plans: Sequence[EnginePlan], engine: Engine, clock: Clock = time.perf_counter
) -> tuple[MeasuredPlan, ...]:
    """Return what each plan does; a plan whose processes end in the midst of it is left out.

    Args:
        plans: one or more.
        engine: copies of it run in all processes.
        clock: returns seconds, the same ones in each process.
    """
    give_up = clock() + BUDGET_S
    with contextlib.ExitStack() as running:
        teams = [running.enter_context(_team(plan, engine, clock)) for plan in plans]
        teams = [team for team in teams if team.meets(team.warm_up)]
        for done in range(ROUNDS):
            if done and clock() > give_up:
                break
            teams = [team for team in teams if team.meets(team.take_turn)]
    return tuple(team.measured for team in teams)


class _Team:
    """The processes of one plan."""

    def __init__(self, plan: EnginePlan, members: Sequence[Connection], clock: Clock) -> None:
        self._plan = plan
        self._members = members
        self._clock = clock
        self._rates: list[float] = []
        self._lone: list[float] = []

    def meets(self, step: Callable[[], None]) -> bool:
        """Take a step; return False when a process has ended or does not answer."""
        try:
            step()
        except (EOFError, OSError) as error:
            log.warning(
                "engines of %s cannot be measured, so they are not used: %r", self._plan, error
            )
            return False
        return True

    def warm_up(self) -> None:
        """Run everything once: libraries compile for what they meet first."""
        self._run([FULL] * len(self._members))
        self._run(self._lone_item())

    def take_turn(self) -> None:
        """Measure once."""
        busy = self._run([FULL] * len(self._members))
        self._rates.append(sum(sum(FULL) / seconds for seconds in busy))
        start = self._clock()
        self._run(self._lone_item())
        self._lone.append(self._clock() - start)

    @property
    def measured(self) -> MeasuredPlan:
        """The medians."""
        rate, lone = statistics.median(self._rates), statistics.median(self._lone)
        return MeasuredPlan(self._plan.engines, self._plan.threads, rate, lone)

    def _lone_item(self) -> list[Lengths]:
        parts = shares(LONE, len(self._members))
        return [[LONE[row] for row in part] for part in parts]

    def _run(self, batches: Sequence[Lengths]) -> list[float]:
        """Run a batch in each process at the same time; return the seconds that each one took."""
        running: dict[Connection, float | None] = {}
        for member, batch in zip(self._members, batches, strict=False):
            member.send(batch)
            running[member] = None
        while waited_for := [member for member, taken in running.items() if taken is None]:
            ready = wait(waited_for, ANSWER_LIMIT_S)
            if not ready:
                raise TimeoutError(f"no answer within {ANSWER_LIMIT_S:.0f} s")
            for member in waited_for:
                if member in ready:
                    running[member] = member.recv()
        return [taken for taken in running.values() if taken is not None]


@contextlib.contextmanager
def _team(plan: EnginePlan, engine: Engine, clock: Clock) -> Iterator[_Team]:
    """Fork the processes of a plan, and end them."""
    channels: list[Connection] = []
    pids: list[int] = []
    try:
        for number in range(plan.engines):
            ours, theirs = Pipe()
            channels.append(ours)
            with theirs:
                pids.append(fork(partial(_be_member, theirs, plan, number, engine, clock)))
        yield _Team(plan, channels, clock)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for channel in channels:
            channel.close()


def _be_member(
    channel: Connection, plan: EnginePlan, number: int, engine: Engine, clock: Clock
) -> None:
    """Run batches until nobody asks for more."""
    bind(plan, number)
    use_threads(plan.threads)
    with contextlib.suppress(EOFError, OSError):
        while True:
            rows = [[0] * length for length in channel.recv()]
            start = clock()
            engine.logits(rows)
            channel.send(clock() - start)
