"""The work that waits and the work that runs, in seconds.

What an item costs is its tokens, and tokens are seconds of an engine by the model's service curve.
Several engines share what waits, so it takes them as many times less. The machine is not always as
fast as it was calibrated: the pace follows what batches have taken of late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic

from app.clock import Clock
from app.serving.fair_queue import FairQueue
from app.serving.work import Batch, Caller, Load, ModelProfile, Payload, Ticket

_SMOOTHING = 0.2
_LARGEST_STEP = 4.0
"""One batch that the machine held up says little: it counts as this many times slower at most."""


class Backlog(Generic[Payload]):
    """The queue of each model and the batches that the engines have."""

    def __init__(
        self, profiles: Mapping[str, ModelProfile], clock: Clock, engines: int = 1
    ) -> None:
        self.profiles = dict(profiles)
        self.queues: dict[str, FairQueue[Payload]] = {name: FairQueue() for name in profiles}
        self.pace = 1.0
        """What batches have lately taken over what their curve says."""
        self.engines = engines
        """How many share the work."""
        self._clock = clock
        self._in_flight: set[Batch[Payload]] = set()
        self._ended_seconds = 0.0

    def begin(self, batch: Batch[Payload]) -> None:
        """Note a batch that the engine takes."""
        self._in_flight.add(batch)

    def end(self, batch: Batch[Payload], *, learn: bool) -> None:
        """Note a batch that the engine gives back, and learn from the time it took."""
        self._in_flight.remove(batch)
        self._ended_seconds += self._clock() - batch.sealed_at
        if not learn:
            return
        taken = (self._clock() - batch.sealed_at) / batch.expected_seconds
        change = min(max(taken / self.pace, 1 / _LARGEST_STEP), _LARGEST_STEP)
        self.pace *= change**_SMOOTHING

    @property
    def idle(self) -> bool:
        return not self._in_flight and not any(q.waiting_items for q in self.queues.values())

    def running(self) -> Iterator[Ticket[Payload]]:
        """The items of the batches that the engine has."""
        return (ticket for batch in self._in_flight for ticket in batch.tickets)

    def waiting(self) -> Iterator[Ticket[Payload]]:
        """Every waiting item."""
        return (ticket for queue in self.queues.values() for ticket in queue.waiting())

    def seconds(self, model: str, tokens: float) -> float:
        """Return what that many tokens of a model take all engines, at the pace of late."""
        return self.pace * self.profiles[model].backlog_seconds(tokens) / self.engines

    @property
    def waiting_seconds(self) -> float:
        """What all that waits takes, at the pace of late."""
        return sum(self.seconds(name, queue.waiting_tokens) for name, queue in self.queues.items())

    def waiting_seconds_of(self, caller: Caller) -> float:
        """Return what all that waits of one caller takes."""
        return sum(
            self.seconds(name, queue.waiting_tokens_of(caller.name))
            for name, queue in self.queues.items()
        )

    @property
    def load(self) -> Load:
        """What there is to do, and what was done."""
        now = self._clock()
        at_work = sum(now - batch.sealed_at for batch in self._in_flight)
        return Load(self.waiting_seconds, self._ended_seconds + at_work, self.engines)

    def running_seconds(self) -> float:
        """Return what is left of the batches that the engines have, shared out over them."""
        now = self._clock()
        left = sum(
            max(0.0, self.pace * batch.expected_seconds - (now - batch.sealed_at))
            for batch in self._in_flight
        )
        return left / self.engines

    def expected_seconds(self, tokens: Mapping[str, int], caller: Caller) -> float:
        """Return how long a call of that many tokens for each model would take, if admitted."""
        longest = 0.0
        for model, count in tokens.items():
            queue, profile = self.queues[model], self.profiles[model]
            ahead = queue.tokens_ahead(caller, count)
            # Its last item is answered when the batch is done, and that is filled by others.
            before_last = (-(-ahead // profile.batch_tokens) - 1) * profile.batch_tokens
            last = min(profile.batch_tokens, queue.waiting_tokens + count - before_last)
            own = self.seconds(model, before_last + last)
            others = sum(
                min(
                    own * self.profiles[name].weight / profile.weight,
                    self.seconds(name, other.waiting_tokens + tokens.get(name, 0)),
                )
                for name, other in self.queues.items()
                if name != model
            )
            longest = max(longest, own + others + self._beyond_its_share(model, last))
        return self.running_seconds() + longest

    def _beyond_its_share(self, model: str, tokens: float) -> float:
        """What a batch takes on its own engine beyond its share of the time of all."""
        return (self.engines - 1) * self.seconds(model, tokens)
