"""One run a work folder: two that write the same checkpoints would spoil each other's."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from models.training.durable import writing
from models.training.errors import TrainingError

_LOCK = "lock"
_HOLDER = "held-by.json"
"""Says who holds the lock; taking it empties the lock's own file."""


@contextmanager
def held(work: Path) -> Iterator[None]:
    """Hold a work folder. The lock ends with the process, however that ends.

    Raises:
        TrainingError: another process holds it, which is named, or it cannot be written.
    """
    with writing(work):
        work.mkdir(parents=True, exist_ok=True)
        lock = _locked(work)
    try:
        with writing(work):
            who = {"pid": os.getpid(), "host": socket.gethostname()}
            (work / _HOLDER).write_text(json.dumps(who) + "\n", encoding="utf-8")
        yield
    finally:
        lock.release()


def check_free(work: Path) -> None:
    """Look whether a work folder is held, without holding it.

    Raises:
        TrainingError: a process holds it, which is named.
    """
    if (work / _LOCK).exists():
        with writing(work):
            _locked(work).release()


def _locked(work: Path) -> FileLock:
    lock = FileLock(work / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise TrainingError(
            f"{work} is in use by {_holder(work)}; wait until it ends, or name another folder "
            "with --work"
        ) from error
    return lock


def _holder(work: Path) -> str:
    try:
        who = json.loads((work / _HOLDER).read_text(encoding="utf-8"))
        return f"process {who['pid']} on {who['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
