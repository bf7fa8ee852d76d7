"""A question is answered by another process, and leaves no trace in this one."""

from __future__ import annotations

import os
import signal
import sys

import psutil
import pytest

from app.engine.processes.apart import NoAnswerError, apart
from app.errors import StartError


def leave_a_trace(name: str) -> int:
    sys.modules[name] = sys
    return os.getpid()


def refuse(why: str) -> None:
    raise StartError(why)


def test_the_answer_comes_from_another_process_and_changes_nothing_here() -> None:
    assert apart(leave_a_trace, "a_module_of_nobody") != os.getpid()
    assert "a_module_of_nobody" not in sys.modules


def test_what_is_raised_there_is_raised_here() -> None:
    with pytest.raises(StartError, match="no such device"):
        apart(refuse, "no such device")


def end(how: signal.Signals) -> None:
    os.kill(os.getpid(), how)


def test_a_process_that_ends_without_an_answer_is_an_error_and_leaves_no_zombie() -> None:
    before = psutil.Process().children()
    with pytest.raises(NoAnswerError, match="the process that was to run end ended"):
        apart(end, signal.SIGKILL)
    assert psutil.Process().children() == before
