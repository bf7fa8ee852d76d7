"""The service on a machine that lacks what it does without: ``python -m tests.chaos.bare_server``.

No oneDNN operators, no control groups, no /proc to write to, no memfd, no affinity, no prctl.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from pathlib import Path
from typing import NoReturn
from unittest import mock

import app.weights.variant
from app.engine import linear, threads
from app.engine.processes import lifeline
from app.server import serve
from app.settings import Settings
from app.weights import held
from app.weights.job import Job

NOWHERE = Path("/nowhere")


def strip() -> None:
    """Take away from this process what another system or processor may not have."""
    mock.patch.object(linear, "OPERATORS", ("no_such_operator",)).start()
    mock.patch.object(ctypes, "CDLL", _refuse).start()
    mock.patch.object(lifeline, "_OOM_SCORE", NOWHERE / "oom").start()
    mock.patch.object(threads.choose_threads, "__defaults__", (NOWHERE, NOWHERE)).start()
    for name in ("memfd_create", "sched_getaffinity", "pidfd_open"):
        delattr(os, name)


def _refuse(*_: object) -> NoReturn:
    raise OSError("no such library")


def hold(job: Job) -> held.OnCpu | held.OnDevices:
    strip()
    return held.hold(job)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    strip()
    if "macos" in sys.argv:
        mock.patch.object(sys, "platform", "darwin").start()
        app.weights.variant.in_process.__defaults__ = ("darwin",)  # type: ignore[attr-defined]
    with mock.patch.object(app.weights.variant, "FACTORY", "tests.chaos.bare_server:hold"):
        sys.exit(serve(Settings()))
