"""What a replica says of its load: its queue, and how busy its engines were since last asked."""

from __future__ import annotations

from app.clock import Clock
from app.scale.policy import BUSY, QUEUE_SECONDS
from app.serving.work import Load


class LoadMeter:
    """Turns what a service has done since its start to a share of the time since the last reading.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = clock()
        self._busy_seconds = 0.0
        self._share = 0.0

    def read(self, load: Load) -> dict[str, float]:
        """Return the figures that ``QueuePolicy`` knows."""
        now = self._clock()
        passed = now - self._at
        if passed > 0:
            spent = load.busy_seconds - self._busy_seconds
            self._share = min(1.0, max(0.0, spent / (passed * load.engines)))
            self._at, self._busy_seconds = now, load.busy_seconds
        return {QUEUE_SECONDS: load.waiting_seconds, BUSY: self._share}
