"""No process outlives the front: not when it exits, and not when it is killed.

The front alone holds the writing end of a pipe. Every other process holds the reading end, and
reads the end of the file when the front is gone, however it went.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from pathlib import Path

_PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when its parent ends. Linux alone has it."""

_OOM_SCORE = Path("/proc/self/oom_score_adj")
_OF_AN_ENGINE = 500
"""proc(5): of a thousand. When memory is short, the system ends an engine before the others."""


def end_with_parent(*, at_once: bool) -> None:
    """Have the system kill this process when the thread that started it ends, where it can.

    Args:
        at_once: False where the process notices that by itself, and has something left to do.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL) if at_once else 0)


def end_with_front(lifeline: int) -> None:
    """End this process when the front does, also in the midst of a forward pass.

    Args:
        lifeline: descriptor of the reading end.
    """

    def watch() -> None:
        os.read(lifeline, 1)
        os._exit(0)

    threading.Thread(target=watch, name="xcopa-lifeline", daemon=True).start()


def ignore_terminal() -> None:
    """Leave signals to the front: Ctrl-C reaches all processes of a terminal, and it drains."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def go_first() -> None:
    """Have the system end this process first when memory is short, where it can be told."""
    with contextlib.suppress(OSError):
        _OOM_SCORE.write_text(str(_OF_AN_ENGINE), encoding="ascii")
