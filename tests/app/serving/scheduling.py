"""A scheduler on a clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Sequence

from app.serving.admission import Limits
from app.serving.scheduler import Scheduler
from app.serving.work import ANYBODY, Batch, Caller, ModelProfile, ServiceCurve, Ticket

MODELS = ("direct", "stilts")


class FakeClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def scheduler(
    clock: FakeClock | None = None,
    *,
    batch: int = 100,
    queue: float = 1000.0,
    max_wait: float = 0.0,
    fixed: float = 0.0,
    per_token: float = 0.01,
) -> Scheduler[str]:
    """A hundred tokens take a second, unless said otherwise."""
    profile = ModelProfile(batch, ServiceCurve(fixed, per_token))
    return Scheduler(dict.fromkeys(MODELS, profile), Limits(queue, max_wait), clock or FakeClock())


def item(
    name: str = "", *, tokens: int = 20, model: str = "direct", deadline: float | None = None
) -> Ticket[str]:
    return Ticket(model, tokens, name, deadline)


def admitted(
    made: Scheduler[str], call: Sequence[Ticket[str]], caller: Caller = ANYBODY
) -> Sequence[Ticket[str]]:
    """Submit a call, and return its tickets."""
    made.submit(call, caller)
    return call


def sealed(made: Scheduler[str]) -> Batch[str]:
    batch = made.seal()
    assert batch is not None
    return batch


def names(batch: Batch[str]) -> list[str]:
    return [ticket.payload for ticket in batch.tickets]


def run(made: Scheduler[str], clock: FakeClock, slower: float = 1.0) -> Batch[str]:
    """Seal a batch and have the engine take as long as the curve says, or longer."""
    batch = sealed(made)
    clock.now += slower * batch.expected_seconds
    made.finish(batch)
    return batch
