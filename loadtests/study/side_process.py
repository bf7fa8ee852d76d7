"""A side in a process of its own.

Nothing that a side leaves behind, such as the layout of its memory, can then help or harm another,
or the same one in the next block.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from loadtests.study.side import Figures, Side
from loadtests.study.side_run import RunSlice, opened_side

T = TypeVar("T")

_stack = ExitStack()
_slices: list[RunSlice] = []
"""Of the process of a side: what ends it, and what runs it."""


class RunError(Exception):
    """A side could not be run; the message is what went wrong in its process."""


@contextmanager
def side_process(side: Side, batch_tokens: int, data: Path | None) -> Iterator[RunSlice]:
    """Start a process for a side, and yield what runs the side's slices there.

    Args:
        side, batch_tokens, data: see ``opened_side``.

    Raises:
        RunError: the side cannot be started; a slice raises it where it cannot be run.
    """
    fresh = get_context("spawn")
    with ProcessPoolExecutor(1, fresh, initializer=_leave_interrupts) as process:
        _result(side, process.submit(_open, side, batch_tokens, data))
        try:
            yield lambda number, calls: _result(side, process.submit(_run, number, calls))
        finally:
            with suppress(BrokenProcessPool):
                process.submit(_close).result()


def _result(side: Side, future: Future[T]) -> T:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise RunError(f"{side.name}: its process ended") from error
    except RunError as error:
        raise RunError(f"{side.name}: {error}") from None


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the process that started this one, which ends it in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _open(side: Side, batch_tokens: int, data: Path | None) -> None:
    try:
        _slices.append(_stack.enter_context(opened_side(side, batch_tokens, data)))
    except (Exception, SystemExit) as error:
        # Not every exception can be sent from one process to another.
        raise RunError(str(error)) from None


def _run(number: int, calls: int) -> Figures:
    try:
        return _slices[0](number, calls)
    except Exception as error:
        raise RunError(str(error)) from None


def _close() -> None:
    _stack.close()
