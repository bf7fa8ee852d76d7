"""The scheduler's types: tickets, batches, results, and the costs of a model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar

Payload = TypeVar("Payload")


class Outcome(Enum):
    """The four outcomes of an accepted item; it has exactly one."""

    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Reason(Enum):
    """Why a batch was composed (sealed) at that moment."""

    BUDGET = "budget"
    """The waiting items filled it."""
    DRAINED = "drained"
    """It took all waiting items: the engine was free."""
    DEADLINE = "deadline"
    """If it had waited longer, one of its items would have missed its deadline."""
    MAX_WAIT = "max_wait"
    """One of its items had waited for others as long as the setting allows."""


@dataclass(frozen=True)
class ServiceCurve:
    """How long an engine takes for a batch: a fixed time and a time per token, in seconds."""

    fixed: float
    per_token: float

    def __post_init__(self) -> None:
        if self.fixed < 0 or self.per_token <= 0:
            raise ValueError("the fixed time must be at least 0 s, and the time per token above 0")

    def seconds(self, tokens: int) -> float:
        """Return the time of one batch of that many tokens."""
        return self.fixed + self.per_token * tokens


@dataclass(frozen=True)
class ModelProfile:
    """What the scheduler knows about a model: the token budget and the time of its batches."""

    batch_tokens: int
    curve: ServiceCurve
    weight: int = 1
    """Its share of the engine beside the other models, while all of them have items waiting."""

    def __post_init__(self) -> None:
        if self.batch_tokens < 1:
            raise ValueError("batch_tokens must be at least 1")
        if self.weight < 1:
            raise ValueError("weight must be at least 1")

    def work(self, tokens: int) -> float:
        """Return the seconds of that many tokens without the fixed time of their batches."""
        return self.curve.per_token * tokens

    def backlog_seconds(self, tokens: float) -> float:
        """Return the time of that many tokens in as many batches as they need."""
        batches = -(-tokens // self.batch_tokens)
        return self.curve.fixed * batches + self.curve.per_token * tokens


@dataclass(frozen=True)
class Load:
    """How much there is to do, and how much was done since the start, in seconds."""

    waiting_seconds: float
    """What all that waits takes all engines together."""
    busy_seconds: float
    """For how long batches were at work, summed over the engines."""
    engines: int


@dataclass(frozen=True)
class Caller:
    """Who sends calls. Callers share the engine by their weights."""

    name: str = ""
    weight: int = 1

    def __post_init__(self) -> None:
        if self.weight < 1:
            raise ValueError("weight must be at least 1")


ANYBODY = Caller()
"""A caller of whom nothing is known."""


class Quota(Protocol):
    """What a caller may still ask for."""

    def check(self) -> None:
        """Raise a ``ServiceError`` while that is nothing."""

    def spend(self, tokens: int) -> None:
        """Count the tokens of a call that was admitted, of all its rows together."""


class Unlimited:
    """The quota of a caller who may ask for anything."""

    def check(self) -> None:
        """Let every call pass."""

    def spend(self, tokens: int) -> None:
        """Count nothing."""


UNLIMITED = Unlimited()


@dataclass(eq=False, slots=True)
class Ticket(Generic[Payload]):
    """One item, from its call to its outcome. Times are on the scheduler's clock."""

    model: str
    tokens: int
    """Of all its rows together; there is one row for each choice."""
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


@dataclass(frozen=True, eq=False, slots=True)
class Batch(Generic[Payload]):
    """Items of one model, sealed together at the moment the engine could take them."""

    model: str
    tickets: tuple[Ticket[Payload], ...]
    tokens: int
    sealed_at: float
    reason: Reason
    expected_seconds: float
    """Its time on the service curve."""
    pace: float = 1.0
    """What batches had lately taken over what their curve says, when it was sealed."""

    @property
    def estimated_seconds(self) -> float:
        """The time that it is thought to take."""
        return self.pace * self.expected_seconds


@dataclass(frozen=True)
class Result(Generic[Payload]):
    """How an item ended for the calls that wait for it: with logits, or with an error."""

    logits: tuple[float, ...] | None
    """One for each row; None if there is an error."""
    error: Exception | None
    at: float
    """On the scheduler's clock."""
    batch: Batch[Payload] | None = None
    """The batch that ran it; None if no batch did."""
    inference_seconds: float = 0.0
    usual: bool = False
    """Whether one engine ran the batch in one pass, so that its time says how fast they are."""
