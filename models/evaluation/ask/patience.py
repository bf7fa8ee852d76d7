"""How long a service that does not answer is waited for, and how often it is asked."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from models.evaluation.ask.predictor import EvaluationError

PATIENCE_S = 300.0
"""How long the service may go on without an answer before it is given up."""

FIRST_WAIT_S = 1.0
"""The first wait where nobody names one, or names none at all; each is twice the last."""

MOST_WAIT_S = 60.0
"""The longest wait, whatever is named: a proxy may name an hour for a restart of a minute."""

JITTER = 0.25
"""The share of a wait that is added at random at most, so that clients come back one by one."""


@dataclass(frozen=True)
class RetryClock:
    """Time as it passes here, in seconds, and chance."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    draw: Callable[[], float] = random.random
    """From 0 to 1."""


class Patience:
    """Waits as a service asks, but neither for ever nor without a pause.

    Args:
        url: of the service, for messages.
        clock: tells the time.
        pause: waits for some seconds, and raises where nobody wants to wait any more.
    """

    def __init__(self, url: str, clock: RetryClock, pause: Callable[[float], None]) -> None:
        self._url = url
        self._clock = clock
        self._pause = pause
        self.renew()

    def renew(self) -> None:
        """Something was answered: all of the patience is there again."""
        self._over = self._clock.now() + PATIENCE_S
        self._next_wait = FIRST_WAIT_S

    def wait(self, named: float | None, last_word: str) -> None:
        """Wait for as long as the service asks, else twice as long each time.

        Args:
            named: the seconds of its ``Retry-After``, if it has one.
            last_word: what it said instead of an answer.

        Raises:
            EvaluationError: nothing was answered for too long.
        """
        left = self._over - self._clock.now()
        if left <= 0:
            raise EvaluationError(
                f"{self._url} answered nothing for {PATIENCE_S:.0f} s; its last word: {last_word}"
            )
        seconds = min(named or self._next_wait, MOST_WAIT_S)
        if not named:
            self._next_wait = min(2 * self._next_wait, MOST_WAIT_S)
        self._pause(min(seconds * (1 + JITTER * self._clock.draw()), left))
