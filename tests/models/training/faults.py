"""Runs ``xcopa train`` in a process of its own, and ends it or its disk at a chosen write.

Every open for writing, rename, removal, link and new folder that Python makes is a point where a
fault may come; the process sees them as audit events, before they happen.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from tests.unprivileged import unprivileged
from xcopa.main import app

_CHANGES = {
    *("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod"),
    *("os.truncate", "shutil.rmtree"),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
_READ_ONLY = 0o555

context = multiprocessing.get_context("forkserver")
"""The server loads torch once; it runs nothing of it, so its children may."""
context.set_forkserver_preload([__name__, "xcopa.train"])


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "SIGKILL"
    TERMINATE = "SIGTERM"
    INTERRUPT = "SIGINT"
    FULL = "full disk"
    READ_ONLY = "read-only folders"
    NONE = "nothing"


@dataclass(frozen=True)
class Fault:
    """What goes wrong and when."""

    kind: Kind = Kind.NONE
    at: int = 0
    """Counts writes; of a full disk, the bytes that a file may have."""


@dataclass(frozen=True)
class Ended:
    """How the process ended."""

    code: int
    said: str
    """On standard error."""


def run_command(arguments: Sequence[str], watched: Path, fault: Fault) -> Ended:
    """Run ``xcopa`` with some arguments to its end; see ``run_call``."""
    return run_call(app, (list(arguments),), watched, fault)


def run_call(
    call: Callable[..., None], arguments: tuple[Any, ...], watched: Path, fault: Fault
) -> Ended:
    """Run a function in a process of its own to its end.

    Args:
        call: the function, of a module.
        arguments: of the function.
        watched: writes below it count.
        fault: comes while it runs.
    """
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(call, arguments, watched, fault, theirs))
    process.start()
    theirs.close()
    said = b"".join(iter(lambda: os.read(ours.fileno(), 2**16), b""))
    process.join()
    assert process.exitcode is not None
    return Ended(process.exitcode, said.decode())


def count_writes(arguments: Sequence[str], watched: Path) -> int:
    """Return at how many points a fault may come."""
    return writes_of(run_command(arguments, watched, Fault()))


def writes_of(ended: Ended) -> int:
    """Return the number of writes of a process that no fault ended."""
    assert ended.code == 0, ended.said
    return int(ended.said.rpartition("writes: ")[2])


def _child(
    call: Callable[..., None],
    arguments: tuple[Any, ...],
    watched: Path,
    fault: Fault,
    said: Connection,
) -> None:
    os.dup2(said.fileno(), 1)
    os.dup2(said.fileno(), 2)
    said.close()
    torch.set_num_threads(1)
    # A shell has what it starts in the background ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    writes = _Writes(watched, fault)
    sys.addaudithook(writes)
    if fault.kind is Kind.FULL:
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.at, fault.at))
    with unprivileged():
        try:
            call(*arguments)
        finally:
            if fault.kind is Kind.NONE:
                sys.stderr.write(f"writes: {writes.count}")


class _Writes:
    """Counts writes below a folder, and brings the fault."""

    def __init__(self, watched: Path, fault: Fault) -> None:
        self._watched = str(watched)
        self._fault = fault
        self._acting = False
        self.count = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._acting or not self._is_write(event, arguments):
            return
        self.count += 1
        if self.count == self._fault.at:
            self._acting = True
            self._act()
            self._acting = False

    def _is_write(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "ctypes.dlsym":
            return bool(arguments[1] == "renameat2")
        if event == "open":
            return self._is_below(arguments[0]) and bool(arguments[2] & _WRITING)
        return event in _CHANGES and self._is_below(arguments[0])

    def _is_below(self, path: Any) -> bool:
        # Folders are removed by names within an open folder.
        if isinstance(path, str | Path):
            return not Path(path).is_absolute() or str(path).startswith(self._watched)
        return False

    def _act(self) -> None:
        if self._fault.kind in (Kind.KILL, Kind.TERMINATE, Kind.INTERRUPT):
            os.kill(os.getpid(), signal.Signals[self._fault.kind.value])
        elif self._fault.kind is Kind.READ_ONLY:
            watched = Path(self._watched)
            for folder in (watched, *_folders(watched)):
                folder.chmod(_READ_ONLY)


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_dir()]


def make_writable(folder: Path) -> None:
    """Undo what the fault of read-only folders did."""
    folder.chmod(0o755)
    for path in _folders(folder):
        path.chmod(0o755)
