"""Who is let into the queue: its bound in seconds, a caller's share of it, and deadlines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

from app.clock import Clock
from app.serving.backlog import Backlog
from app.serving.work import Caller, Payload

SHARE_OF_ROOM = 4
"""A caller may hold this many times the room that its call leaves in the queue, times its weight
(dynamic thresholds, Choudhury and Hahne 1998): one caller alone gets four fifths, and there is
always room for another. What waits of callers who share by weight then waits about as long."""

SHARE_OF_SLACK = 0.75
"""A call is let in when its answer is expected within this share of the time it has: estimates are
estimates, and work on an answer that comes too late is taken from others."""


class AdmissionError(Exception):
    """A call was not admitted; nothing of it is queued."""

    reason = "other"
    """One of the reasons by which refusals are counted."""


class QueueFullError(AdmissionError):
    """There is no room for the call now. ``retry_after`` estimates when, in seconds."""

    reason = "queue_full"

    def __init__(self, detail: str, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooLateError(QueueFullError):
    """There is no room for a call with such a deadline."""

    reason = "deadline"


class CallTooLargeError(AdmissionError):
    """The call needs more work than a caller may have in an empty queue."""

    reason = "too_large"


class DrainingError(AdmissionError):
    """The service is shutting down and finishes only what it has accepted."""

    reason = "draining"


class HaltedError(AdmissionError):
    """The engine does not move."""

    reason = "stuck"


@dataclass(frozen=True)
class Limits:
    """What the scheduler may hold, and how long it may hold it back, in seconds.

    ``queue_seconds`` bounds the estimated work that waits, over all models. ``max_wait`` is the
    longest an item waits for company; 0 keeps the engine busy whenever an item waits.
    """

    queue_seconds: float
    max_wait: float = 0.0

    def __post_init__(self) -> None:
        if self.queue_seconds <= 0:
            raise ValueError("queue_seconds is above 0")
        if self.max_wait < 0:
            raise ValueError("max_wait is 0 at least")

    @property
    def call_seconds(self) -> float:
        """The most work that one call may need."""
        return self.queue_seconds * SHARE_OF_ROOM / (1 + SHARE_OF_ROOM)


class Admission(Generic[Payload]):
    """Refuses what there is no room or no time for."""

    def __init__(self, backlog: Backlog[Payload], limits: Limits, clock: Clock) -> None:
        self._backlog = backlog
        self._limits = limits
        self._clock = clock

    def check(self, tokens: Mapping[str, int], caller: Caller, deadline: float | None) -> None:
        """Let a call of that many tokens for each model pass, or refuse it.

        Raises:
            CallTooLargeError: the call would not fit an empty queue.
            QueueFullError: it does not fit now, or not in time.
        """
        cost = sum(self._backlog.seconds(model, count) for model, count in tokens.items())
        self._check_size(cost)
        waiting = self._backlog.waiting_seconds
        if waiting:
            self._check_room(cost, waiting, caller)
        if deadline is None:
            return
        slack = deadline - self._clock()
        most = self._backlog.engines * (waiting + cost)  # the last batch runs on one engine
        if self._backlog.running_seconds() + most > SHARE_OF_SLACK * slack:
            self._check_deadline(tokens, cost, caller, slack)

    def _check_size(self, cost: float) -> None:
        # At the calibrated pace: what is too large must not depend on how the machine is today.
        if (usual := cost / self._backlog.pace) > self._limits.call_seconds:
            raise CallTooLargeError(
                f"the call needs {usual:.1f} s of work; a call may need "
                f"{self._limits.call_seconds:.1f} s at most"
            )

    def _check_room(self, cost: float, waiting: float, caller: Caller) -> None:
        """The bound of the queue, and the caller's share of it."""
        room = self._limits.queue_seconds - waiting - cost
        share = SHARE_OF_ROOM * caller.weight
        if waiting + cost <= share * room:  # also if all that waits were the caller's
            return
        own = cost + self._backlog.waiting_seconds_of(caller)
        # Solve own - x <= share * (room + x) for x, the seconds that must leave first.
        excess = max(-room, (own - share * room) / (1 + share))
        if excess > 0:
            raise QueueFullError(
                f"{waiting:.1f} s of work wait; room for the call is expected in {excess:.1f} s",
                excess + self._backlog.running_seconds(),
            )

    def _check_deadline(
        self, tokens: Mapping[str, int], cost: float, caller: Caller, slack: float
    ) -> None:
        """Whether the answer is expected within the slack that the deadline leaves.

        What an idle engine could not answer in time either is not refused for want of room: it is
        let in, and said to be late if it is. And an idle engine refuses nothing, or it would never
        learn that the machine has become faster again.
        """
        allowed = SHARE_OF_SLACK * slack
        if cost > allowed or self._backlog.idle:
            return
        expected = self._backlog.expected_seconds(tokens, caller)
        if expected > allowed:
            raise TooLateError(
                f"an answer is expected in {expected:.2f} s, too late for the deadline of the call",
                expected - allowed,
            )
