"""A question that only another process may answer, because the answer leaves traces."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing import Pipe
from typing import TypeVar, cast

Question = TypeVar("Question")
Answer = TypeVar("Answer")


def apart(ask: Callable[[Question], Answer], question: Question) -> Answer:
    """Call a function in a fork of this process, and return or raise what it does.

    Args:
        ask: what it returns or raises can be pickled.
        question: its argument.
    """
    ours, theirs = Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        try:
            theirs.send((ask(question), None))
        except Exception as error:
            theirs.send((None, error))
        finally:
            os._exit(0)
    theirs.close()
    with ours:
        answer, failure = cast("tuple[Answer, Exception | None]", ours.recv())
    os.waitpid(pid, 0)
    if failure is not None:
        raise failure
    return answer
