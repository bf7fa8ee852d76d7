"""What the scheduler speaks of: tickets, batches, results, and what a model costs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

Payload = TypeVar("Payload")


class Outcome(Enum):
    """The four ways in which an accepted item ends; it ends in exactly one."""

    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Reason(Enum):
    """Why a batch was sealed when it was."""

    BUDGET = "budget"
    """What waited filled it."""
    DRAINED = "drained"
    """It took all that waited: the engine was free and nothing more could be gained by waiting."""
    DEADLINE = "deadline"
    """An item in it could not have waited longer for company and still be in time."""
    MAX_WAIT = "max_wait"
    """An item in it had waited for company as long as the setting allows."""


@dataclass(frozen=True)
class ServiceCurve:
    """How long an engine takes for a batch: a fixed time and a time a token, in seconds."""

    fixed: float
    per_token: float

    def __post_init__(self) -> None:
        if self.fixed < 0 or self.per_token <= 0:
            raise ValueError("a batch takes no less than 0 s, and a token more")

    def seconds(self, tokens: int) -> float:
        """Return the time of one batch of that many tokens."""
        return self.fixed + self.per_token * tokens


@dataclass(frozen=True)
class ModelProfile:
    """What the scheduler knows of a model: the budget of its batches and what they cost."""

    batch_tokens: int
    curve: ServiceCurve

    def __post_init__(self) -> None:
        if self.batch_tokens < 1:
            raise ValueError("batch_tokens is 1 at least")

    def work(self, tokens: int) -> float:
        """Return the seconds of that many tokens without the fixed time of their batches."""
        return self.curve.per_token * tokens

    def backlog_seconds(self, tokens: float) -> float:
        """Return the time of that many tokens in as many batches as they need."""
        batches = -(-tokens // self.batch_tokens)
        return self.curve.fixed * batches + self.curve.per_token * tokens


@dataclass(frozen=True)
class Caller:
    """Who sends calls. Callers share the engine by their weights."""

    name: str = ""
    weight: int = 1

    def __post_init__(self) -> None:
        if self.weight < 1:
            raise ValueError("weight is 1 at least")


ANYBODY = Caller()
"""A caller of whom nothing is known."""


@dataclass(eq=False)
class Ticket(Generic[Payload]):
    """One item, from the call that submits it to its outcome. Times are the scheduler's clock's."""

    model: str
    tokens: int
    """Of all its rows (one a choice) together."""
    payload: Payload
    deadline: float | None = None
    caller: Caller = ANYBODY
    """Set when it is admitted."""
    admitted_at: float = 0.0
    """Set when it is admitted."""
    sealed_at: float | None = None
    outcome: Outcome | None = None
    overdue_at: float = 0.0
    """Set when it is admitted: the work done by the engine after which it has waited too long."""

    @property
    def waiting(self) -> bool:
        return self.outcome is None and self.sealed_at is None


@dataclass(frozen=True, eq=False)
class Batch(Generic[Payload]):
    """Items of one model, sealed together at the moment the engine could take them."""

    model: str
    tickets: tuple[Ticket[Payload], ...]
    tokens: int
    sealed_at: float
    reason: Reason
    expected_seconds: float
    """What the service curve says it takes."""


@dataclass(frozen=True)
class Result(Generic[Payload]):
    """How an item ended for those who wait for it: with logits, or with an error."""

    logits: tuple[float, ...] | None
    """One a row; None where there is an error."""
    error: Exception | None
    at: float
    """On the scheduler's clock."""
    batch: Batch[Payload] | None = None
    """The batch that ran it; None where none did."""
    inference_seconds: float = 0.0
