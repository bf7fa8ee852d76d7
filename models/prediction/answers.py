"""Has rows answered, some at a time, and gives them back in the order of the file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.predictor import Outcome
from models.prediction.output import bad_row
from models.prediction.rows import FileRow


class ItemPredictor(Protocol):
    """A model that answers items one by one, and says of each why it does not."""

    @property
    def revision(self) -> str: ...

    def outcomes(self, items: Sequence[CausalItem]) -> list[Outcome]: ...


@dataclass(frozen=True)
class Pace:
    """How many rows are asked at once: the memory that a file needs."""

    rows: int
    """In one call."""
    calls: int = 1
    """At work at the same time; one runs on the caller's own thread."""


AnsweredRows = list[tuple[FileRow, Outcome]]


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
    pool = ThreadPoolExecutor(calls, thread_name_prefix="xcopa-call")
    waiting: deque[Future[AnsweredRows]] = deque()
    try:
        for group in groups:
            waiting.append(pool.submit(ask, group))
            if len(waiting) > calls:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Not waited for here: whoever closes the service ends the calls.
        pool.shutdown(wait=False, cancel_futures=True)
