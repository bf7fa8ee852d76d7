"""How long the end of the process takes at most: every step of it has a limit."""

from __future__ import annotations

from app.engine.pool import STOP_LIMIT_S
from app.http_server import LAST_WORDS_S
from app.runtime import STUCK_ENGINE_GRACE_S
from app.server import RESPONSE_GRACE_S
from app.telemetry import log_writer, tracing

_LOOKS_S = 0.5
"""What uvicorn and we wait between two looks, once each."""


def longest_end(delay: float, grace: float, *, generations: int = 1, servers: int = 1) -> float:
    """Return the seconds from SIGTERM to the exit, if everything hangs that can.

    An engine is stuck, its process does not end, callers do not read, the collector and whoever
    reads the log do not answer. What waits longer must not kill the process before.

    Args:
        delay: ``XCOPA_DRAIN_DELAY_S``.
        grace: ``XCOPA_DRAIN_GRACE_S``.
        generations: 2 where models may be changed at run time: the one before may still be ending.
        servers: 2 where the metrics have a port of their own: that one ends last.
    """
    engines = STUCK_ENGINE_GRACE_S + STOP_LIMIT_S
    answers = LAST_WORDS_S + RESPONSE_GRACE_S
    last = tracing.CLOSE_S + log_writer.CLOSE_S
    return delay + grace + servers * (answers + _LOOKS_S) + generations * engines + last
