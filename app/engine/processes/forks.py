"""A process that does one thing and ends, forked from this one."""

from __future__ import annotations

import os
from collections.abc import Callable

from app.engine.processes.lifeline import end_with_parent


def fork(work: Callable[[], object]) -> int:
    """Do something in a fork of this process, which ends with it or with this one; return its id.

    Args:
        work: what it raises is the end of the process too.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        end_with_parent(at_once=True)
        if os.getppid() == parent:  # else it ended before the system was told
            work()
    finally:
        os._exit(0)
