"""What a program must do itself when it is the first process, as it is in a container.

For process 1 the kernel drops each signal that has no handler, so SIGTERM would be lost until the
server listens for it, seconds later. (pid_namespaces(7), "The namespace init process")
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def heed_sigterm() -> None:
    """Exit on SIGTERM, if this is process 1; for all others the kernel does so."""
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _exit)


def _exit(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - given to handlers
    # As a shell reports a process that a signal has ended.
    sys.exit(128 + number)
