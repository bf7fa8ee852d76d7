"""Processes that have lost their parent, and that this process is to take off the system's list.

In a container the service is often the first process, which inherits every orphan.
"""

from __future__ import annotations

import os


class Orphans:
    """Ids of processes that end; those that some other process is the parent of are forgotten."""

    def __init__(self) -> None:
        self._pids: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._pids)

    def add(self, pid: int) -> None:
        """Take in a process that ends now, or has ended."""
        self._pids.add(pid)

    def reap(self) -> None:
        """Look which of them have ended; never wait."""
        for pid in list(self._pids):
            try:
                ended, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                ended = pid
            if ended:
                self._pids.discard(pid)
