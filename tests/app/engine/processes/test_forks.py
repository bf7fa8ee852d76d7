"""A fork does its one thing and ends, whatever comes of it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

import pytest

from app.engine.processes.forks import fork

_PR_GET_PDEATHSIG = 2


def status_of(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def said(work: Callable[[], str]) -> str:
    """Return what a function returns in a fork."""
    reader, writer = os.pipe()
    pid = fork(lambda: os.write(writer, work().encode()))
    os.close(writer)
    with os.fdopen(reader) as lines:
        words = lines.read()
    assert status_of(pid) == 0
    return words


def test_the_work_is_done_by_a_child_whose_number_is_told() -> None:
    reader, writer = os.pipe()
    pid = fork(lambda: os.write(writer, f"{os.getpid()} {os.getppid()}".encode()))
    assert status_of(pid) == 0
    assert os.read(reader, 100).decode() == f"{pid} {os.getpid()}"
    os.close(reader)
    os.close(writer)


def test_what_the_work_raises_goes_no_further_than_the_fork(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def work() -> None:
        raise SystemExit(3)

    assert status_of(fork(work)) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_the_system_is_told_to_end_the_fork_at_once_with_its_parent() -> None:
    def told() -> str:
        number = ctypes.c_int()
        ctypes.CDLL(None).prctl(_PR_GET_PDEATHSIG, ctypes.byref(number))
        return str(number.value)

    assert said(told) == str(int(signal.SIGKILL))


def test_a_fork_whose_parent_ended_before_the_system_was_told_does_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getppid", lambda: 1)  # who inherits orphans
    assert said(lambda: "done") == ""
