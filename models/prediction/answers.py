"""Has rows answered, some at a time, and gives them back in the order of the file."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Protocol

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.predictor import ItemOutcome
from models.prediction.output import bad_row
from models.prediction.rows import FileRow


class ItemPredictor(Protocol):
    """A model that answers items one by one, and says of each why it does not."""

    @property
    def revision(self) -> str: ...
    @property
    def temperature(self) -> float: ...

    def outcomes(self, items: Sequence[CausalItem]) -> list[ItemOutcome]: ...


@dataclass(frozen=True)
class Pace:
    """How many rows are asked at once: the memory that a file needs."""

    rows: int
    """In one call."""
    calls: int = 1
    """At work at the same time; one runs on the caller's own thread."""


AnsweredRows = list[tuple[FileRow, ItemOutcome]]


def answers(
    rows: Iterable[FileRow], predictor: ItemPredictor, pace: Pace
) -> Generator[AnsweredRows]:
    """Yield rows with their outcomes, in order; a row is read when its turn comes.

    Raises:
        EvaluationError: the model can be asked no more.
    """
    groups = _groups(iter(rows), pace.rows)

    def ask(group: list[FileRow]) -> AnsweredRows:
        return _answered(group, predictor)

    yield from map(ask, groups) if pace.calls == 1 else _side_by_side(groups, ask, pace.calls)


def _groups(rows: Iterator[FileRow], size: int) -> Iterator[list[FileRow]]:
    while group := list(islice(rows, size)):
        yield group


def _answered(group: Sequence[FileRow], predictor: ItemPredictor) -> AnsweredRows:
    items = [row.item for row in group if row.item is not None]
    found = iter(predictor.outcomes(items) if items else ())
    return [(row, bad_row(row) if row.item is None else next(found)) for row in group]


def _side_by_side(
    groups: Iterator[list[FileRow]], ask: Callable[[list[FileRow]], AnsweredRows], calls: int
) -> Iterator[AnsweredRows]:
    threads = _CallThreads(ask, calls)
    waiting: deque[Future[AnsweredRows]] = deque()
    try:
        for group in groups:
            waiting.append(threads.start(group))
            if len(waiting) > calls:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        threads.close()


class _CallThreads:
    """Threads that ask. They do not keep the process from exiting.

    Those of an executor would: after Ctrl-C it would wait for a service to answer the last calls.
    """

    def __init__(self, ask: Callable[[list[FileRow]], AnsweredRows], number: int) -> None:
        self._ask = ask
        self._work: SimpleQueue[tuple[list[FileRow], Future[AnsweredRows]] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name="xcopa-call", daemon=True)
            for _ in range(number)
        ]
        for thread in self._threads:
            thread.start()

    def start(self, group: list[FileRow]) -> Future[AnsweredRows]:
        done: Future[AnsweredRows] = Future()
        self._work.put((group, done))
        return done

    def close(self) -> None:
        """Have each end after its call; none is waited for."""
        for _ in self._threads:
            self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            group, done = work
            if not done.set_running_or_notify_cancel():
                continue
            try:
                done.set_result(self._ask(group))
            except BaseException as error:
                done.set_exception(error)
