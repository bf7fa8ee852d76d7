"""Progress where there is no terminal: a line a minute, for logs, pipes and notebooks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

EVERY_S = 60.0


def to_standard_error(line: str) -> None:
    """Print a line, and at once: whoever follows a log waits for it."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the output


class MinuteLines:
    """Says now and then how much of one piece of work is done.

    Args:
        write: takes each line.
        now: tells the time, in seconds.
    """

    def __init__(
        self,
        write: Callable[[str], object] = to_standard_error,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._now = now
        self._told: float | None = None
        self._began: tuple[float, int] | None = None

    def tell(self, what: str, done: int, total: int, unit: str, more: str = "") -> None:
        """Say it if a minute has passed since the last line, at the beginning and at the end.

        Args:
            what: is being worked on.
            done: how much, in units.
            total: of all.
            unit: in the plural.
            more: is to be said as well.
        """
        now = self._now()
        self._began = self._began or (now, done)
        if self._told is not None and now - self._told < EVERY_S and done < total:
            return
        self._told = now
        left = self._left(now, done, total)
        parts = (f"{done:,} of {total:,} {unit}", more, left)
        self._write(f"{what}: {', '.join(part for part in parts if part)}")

    def _left(self, now: float, done: int, total: int) -> str:
        """Return the time left, once there is something to tell it by."""
        if self._began is None or done <= self._began[1] or done >= total:
            return ""
        began, first = self._began
        seconds = (now - began) / (done - first) * (total - done)
        hours, minutes = divmod(round(seconds / 60), 60)
        return f"{hours} h {minutes} min left" if hours else f"{minutes} min left"
