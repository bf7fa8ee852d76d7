"""A limit of tokens a second: a bucket that a call may overdraw, and that then must fill up first.

Were a call larger than the bucket refused, a large batch could never run. So a call is let in
whenever the key is not in debt, and pays for all of its tokens: whatever calls are sent, what is
let in over any time is at most the rate times that time, a second's worth more, and the last call.
"""

from __future__ import annotations

from collections.abc import Callable

BURST_SECONDS = 1.0
"""What a key that has asked for nothing may ask for at once, beside one call of any size."""


class TokenBucket:
    """The balance of one key. One thread uses it.

    Args:
        rate: tokens a second.
        clock: in seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self.rate = rate
        self._clock = clock
        self._balance = rate * BURST_SECONDS
        self._at = clock()

    def wait(self) -> float:
        """Return the seconds after which a call is let in; 0 is now."""
        self._fill()
        return max(0.0, -self._balance / self.rate)

    def take(self, tokens: int) -> None:
        """Pay for a call."""
        self._fill()
        self._balance -= tokens

    def _fill(self) -> None:
        now = self._clock()
        earned = self.rate * (now - self._at)
        self._balance = min(self._balance + earned, self.rate * BURST_SECONDS)
        self._at = now
