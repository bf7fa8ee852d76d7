"""All settings of libraries that hold for the whole process.

Importing a module of this project changes none of them, with one exception: importing ``app`` calls
``set_environment``, because OpenMP and ``tokenizers`` read their variables when they are loaded.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import queue
import resource
import signal
import sys
from types import FrameType
from typing import NoReturn

log = logging.getLogger(__name__)

_TELEMETRY = "OTEL_"
_PROPAGATORS = "OTEL_PROPAGATORS"

_OTHER_FILES = 128
"""Descriptors that a process needs beside its connections: models, collectors, engines."""

_ENVIRONMENT = {
    # Idle threads of a forward pass sleep instead of spinning. With other work on the machine,
    # spinning made a pass three to five times slower (docs/decisions/0012-threads-sleep.md).
    # OpenMP reads this when torch is imported.
    "OMP_WAIT_POLICY": "PASSIVE",
    # The threads of the tokenizers library would compete with those of the forward pass. Calls
    # are short, and long ones run on a thread of our own.
    "TOKENIZERS_PARALLELISM": "false",
    # If an operator has OpenTelemetry record the headers of requests, it leaves these out.
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "authorization,x-api-key,cookie",
}


def set_environment() -> None:
    """Set variables that libraries read when they load; a value of the user stays.

    An empty variable of OpenTelemetry's is removed: its specification says that it counts as not
    set, and the library raises for some.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in [name for name in os.environ if name.startswith(_TELEMETRY)]:
        if not os.environ[name].strip():
            del os.environ[name]


def drop_unknown_propagators() -> None:
    """Take a variable out of the environment that would stop the import of FastAPI."""
    if _PROPAGATORS not in os.environ:
        return
    try:
        importlib.import_module("opentelemetry.propagate")
    except ValueError as error:
        log.warning("%s is ignored: %s", _PROPAGATORS, error)
        del os.environ[_PROPAGATORS]


def leave_on_signals() -> None:
    """Have SIGTERM and Ctrl-C end the process with 0 as long as there is nothing to finish.

    Without a handler the first process of a container does not get SIGTERM at all, and Ctrl-C
    would print where the imports are.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave_at_once)


def queue_signals() -> queue.SimpleQueue[int]:
    """Return a queue for the first SIGTERM or Ctrl-C; a second one ends the process with 1.

    An event would not do: its lock may be held by the very code that a signal interrupts. This
    queue takes entries from handlers.
    """
    arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
    told = False

    def tell(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal told
        if told:
            os._exit(1)
        told = True
        arrived.put(number)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, tell)
    return arrived


def _leave_at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    os._exit(0)


def leave(status: int) -> NoReturn:
    """End the process with a status, at once and whatever its threads still do.

    Python would wait for the threads of executors, such as a download's. It would stop daemon
    threads where they are, and one inside of torch's C++ then aborts the process. And it would
    take a million objects apart one by one.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        # Whoever read it may have gone.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def use_threads(count: int) -> None:
    """Make torch use this many threads for one operator, on this thread and on new ones."""
    import torch

    torch.set_num_threads(count)


def quiet_transformers() -> None:
    """Turn off the warnings and progress bars of transformers."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def freeze_loaded_objects() -> None:
    """Exclude the objects that exist now from garbage collection.

    Otherwise the collector scans a million objects of the libraries again and again. That doubled
    the time of a prediction on an engine that answers at once. New objects are collected less
    often than by default.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def allow_connections(wanted: int) -> int:
    """Let the process have as many descriptors as connections need; return how many it may have.

    Shells and containers often begin with 1,024 and allow more (``ulimit -Hn``).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if soft >= needed or soft == resource.RLIM_INFINITY:
        return wanted
    enough = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
    if enough < needed:
        allowed = max(1, enough - _OTHER_FILES)
        log.warning("%d connections at most: this process may open %d files", allowed, enough)
        return allowed
    return wanted
