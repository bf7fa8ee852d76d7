"""The questions to the service, its answers, and the error of an item that is too late."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.engine.tokenizer import HasChoices
from app.errors import DeadlineExceededError
from app.serving.work import Ticket


@dataclass(frozen=True)
class Ask:
    """One item for one model."""

    item: HasChoices
    model: str


@dataclass(frozen=True)
class StageTimes:
    """Seconds of an item in each stage, and why its batch was composed at that moment."""

    tokenise: float
    queue: float
    inference: float
    batch_reason: str
    """``cache`` for an answer from the cache."""


@dataclass
class Stages:
    """Seconds that a call has spent in each stage so far; None for one that it has not reached.

    Of several items the longest counts. It is filled also for a call that is not answered.
    """

    admission: float | None = None
    """From the arrival of the request until the service was asked: its body and its checks."""
    tokenise: float | None = None
    queue: float | None = None
    inference: float | None = None
    batch_reasons: tuple[str, ...] = ()

    def said(self) -> dict[str, float]:
        """Return the stages that the call has reached, in order."""
        stages = {
            "admission": self.admission,
            "tokenise": self.tokenise,
            "queue": self.queue,
            "inference": self.inference,
        }
        return {name: seconds for name, seconds in stages.items() if seconds is not None}

    def note(self, answers: Sequence[Answer]) -> None:
        """Take the times over from answers, of which there is at least one."""
        times = [each.times for each in answers]
        self.tokenise = max(each.tokenise for each in times)
        self.queue = max(each.queue for each in times)
        self.inference = max(each.inference for each in times)
        self.batch_reasons = tuple(dict.fromkeys(each.batch_reason for each in times))

    def note_waiting(self, ticket: Ticket[Any] | None, now: float) -> None:
        """Take over how long an item has waited that got no answer."""
        if ticket is None:
            return
        sealed = now if ticket.sealed_at is None else ticket.sealed_at
        self.queue = max(self.queue or 0.0, sealed - ticket.admitted_at)
        if ticket.sealed_at is not None:
            self.inference = max(self.inference or 0.0, now - ticket.sealed_at)


@dataclass(frozen=True)
class Answer:
    """The prediction for one item."""

    label: int
    probabilities: tuple[float, ...]
    logits: tuple[float, ...]
    model: str
    revision: str
    times: StageTimes


class Answering(Protocol):
    """What an answer needs of the model that gives it."""

    @property
    def revision(self) -> str: ...
    @property
    def temperature(self) -> float: ...


def answer(logits: tuple[float, ...], name: str, model: Answering, times: StageTimes) -> Answer:
    """Make the answer of an item from its logits, one for each choice."""
    label = max(range(len(logits)), key=logits.__getitem__)
    probabilities = softmax(logits, model.temperature)
    return Answer(label, probabilities, logits, name, model.revision, times)


def softmax(logits: Sequence[float], temperature: float) -> tuple[float, ...]:
    """Return the probabilities of the choices, which sum to 1.

    Args:
        logits: one for each choice.
        temperature: what they are divided by; above 1 makes the answer less sure, and never
            another one.
    """
    highest = max(logits)
    weights = [math.exp((logit - highest) / temperature) for logit in logits]
    total = math.fsum(weights)
    return tuple(weight / total for weight in weights)


def queue_seconds(ticket: Ticket[Any] | None) -> float:
    """Return how long an item waited until its batch was composed; 0 if it never was in a batch."""
    if ticket is None or ticket.sealed_at is None:
        return 0.0
    return ticket.sealed_at - ticket.admitted_at


def late(
    timeout: float, ticket: Ticket[Any] | None, started: float, now: float
) -> DeadlineExceededError:
    """Return the error of an item without an answer before the deadline; it says where it waited.

    Args:
        timeout: seconds that the call was given.
        ticket: that of the item; None if the item was never submitted.
        started: when the call came.
        now: the time now, on the same clock.
    """
    if ticket is None:
        waited = f"it waited {1000 * (now - started):.0f} ms to be tokenised"
    elif ticket.sealed_at is None:
        waited = f"it waited {1000 * (now - ticket.admitted_at):.0f} ms in the queue"
    else:
        queued = 1000 * queue_seconds(ticket)
        waited = f"it waited {queued:.0f} ms in the queue, and the engine had not finished it"
    return DeadlineExceededError(f"no answer within {1000 * timeout:.0f} ms: {waited}")
