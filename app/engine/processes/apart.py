"""A question that only another process may answer, because the answer leaves traces."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing import Pipe
from typing import TypeVar, cast

from app.engine.processes.forks import fork

Question = TypeVar("Question")
Returned = TypeVar("Returned")


class NoAnswerError(RuntimeError):
    """The process that was asked ended without an answer, as when memory is short."""


def apart(ask: Callable[[Question], Returned], question: Question) -> Returned:
    """Call a function in a fork of this process, and return or raise what it does.

    Args:
        ask: what it returns or raises can be pickled.
        question: its argument.

    Raises:
        NoAnswerError: the process ended.
    """
    ours, theirs = Pipe(duplex=False)

    def answer() -> None:
        try:
            theirs.send((ask(question), None))
        except Exception as error:
            theirs.send((None, error))

    pid = fork(answer)
    theirs.close()
    try:
        with ours:
            given, failure = cast("tuple[Returned, Exception | None]", ours.recv())
    except EOFError as error:
        raise NoAnswerError(f"the process that was to run {ask.__name__} ended") from error
    finally:
        os.waitpid(pid, 0)
    if failure is not None:
        raise failure
    return given
