"""Everything that is switched for the whole process, in one place.

Importing a module of this project switches nothing, with one exception: importing ``app`` calls
``set_environment``, because OpenMP and ``tokenizers`` read their variables when they are loaded.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

log = logging.getLogger(__name__)

_TELEMETRY = "OTEL_"
_PROPAGATORS = "OTEL_PROPAGATORS"

_ENVIRONMENT = {
    # Threads of a forward pass that have nothing to do sleep instead of spinning: beside other
    # work spinning made a pass three to five times slower (docs/decisions/0012-threads-sleep.md).
    # OpenMP reads this when torch is imported.
    "OMP_WAIT_POLICY": "PASSIVE",
    # The threads of the tokenizers library would contend with those of the forward pass. Calls
    # are short, and long ones run on a thread of ours.
    "TOKENIZERS_PARALLELISM": "false",
}


def set_environment() -> None:
    """Set what libraries read from the environment when they load; what a user set stays.

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
        pass
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
    """Have torch use that many threads for one operator, on this thread and on new ones."""
    import torch

    torch.set_num_threads(count)


def quiet_transformers() -> None:
    """Have transformers print no warnings and no progress bars of its own."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def freeze_loaded_objects() -> None:
    """Keep Python's garbage collector away from the objects that exist now, which stay.

    It would go through a million objects of the libraries again and again: left alone, it
    doubled the time of a prediction on an engine that answers at once. New objects are collected
    less often than by default.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
