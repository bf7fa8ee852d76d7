"""The items that wait for one model, fair between callers and between a caller's calls.

Callers take turns in tokens, by their weight. The calls of a caller take turns among themselves,
so the items of a call of 64 wait for theirs among the calls that the same caller sends meanwhile.
``app/serving/turns.py`` is the order on both levels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Generic

from app.serving.turns import Flow, Turns
from app.serving.work import Caller, Outcome, Payload, Ticket

_IDLE_CALLERS_KEPT = 1024


class _CallerFlow(Flow, Generic[Payload]):
    """One caller, and its calls that have items waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Turns[_CallFlow[Payload]] = Turns()
        self.waiting_tokens = 0


class _CallFlow(Flow, Generic[Payload]):
    """One call, and its waiting items in order."""

    def __init__(self, caller: _CallerFlow[Payload], tickets: Sequence[Ticket[Payload]]) -> None:
        super().__init__()
        self.caller = caller
        self.tickets = OrderedDict.fromkeys(tickets)


class FairQueue(Generic[Payload]):
    """Hands out waiting items in the order that is fair, or oldest first."""

    def __init__(self) -> None:
        self.waiting_tokens = 0
        self._waiting: OrderedDict[Ticket[Payload], _CallFlow[Payload]] = OrderedDict()
        self._callers: dict[str, _CallerFlow[Payload]] = {}
        self._turns: Turns[_CallerFlow[Payload]] = Turns()

    @property
    def waiting_items(self) -> int:
        return len(self._waiting)

    def add(self, tickets: Sequence[Ticket[Payload]]) -> None:
        """Queue the items of one call of one caller."""
        caller = self._flow_of(tickets[0].caller)
        if caller.entry is None:
            caller.weight = tickets[0].caller.weight
        call = _CallFlow(caller, tickets)
        for ticket in tickets:
            self._waiting[ticket] = call
        self._count(caller, sum(ticket.tokens for ticket in tickets))
        caller.calls.enter(call)
        if caller.entry is None:
            self._turns.enter(caller)

    def next(self) -> Ticket[Payload] | None:
        """Return the item whose turn it is, without taking it."""
        if (caller := self._turns.first()) is None:
            return None
        call = caller.calls.first()
        assert call is not None, "a caller without calls has no turn"
        return next(iter(call.tickets))

    def oldest(self) -> Ticket[Payload] | None:
        """Return the item that was queued before all others, without taking it."""
        return next(iter(self._waiting), None)

    def take(self, ticket: Ticket[Payload], at: float) -> None:
        """Take a waiting item for a batch that is sealed at that time, and count it as given."""
        call = self._waiting[ticket]
        call.caller.calls.give(call, ticket.tokens)
        self._turns.give(call.caller, ticket.tokens)
        ticket.sealed_at = at
        self._remove(ticket)

    def release(self, ticket: Ticket[Payload], outcome: Outcome) -> None:
        """Take out an item that ends before its turn."""
        ticket.outcome = outcome
        self._remove(ticket)

    def waiting(self) -> Iterable[Ticket[Payload]]:
        """Every waiting item, oldest first."""
        return self._waiting.keys()

    def waiting_tokens_of(self, name: str) -> int:
        """Return the tokens of a caller that wait."""
        caller = self._callers.get(name)
        return caller.waiting_tokens if caller else 0

    def tokens_ahead(self, caller: Caller, tokens: int) -> float:
        """Return what is served before the end of a new call: own items, and others' shares."""
        own = self.waiting_tokens_of(caller.name) + tokens
        others = (flow for name, flow in self._callers.items() if name != caller.name)
        return own + sum(
            min(flow.waiting_tokens, own * flow.weight / caller.weight)
            for flow in others
            if flow.waiting_tokens
        )

    def _remove(self, ticket: Ticket[Payload]) -> None:
        call = self._waiting.pop(ticket)
        del call.tickets[ticket]
        caller = call.caller
        self._count(caller, -ticket.tokens)
        if not call.tickets:
            caller.calls.leave(call)
        if caller.calls.first() is None:
            self._turns.leave(caller)

    def _flow_of(self, caller: Caller) -> _CallerFlow[Payload]:
        if caller.name not in self._callers:
            if len(self._callers) >= _IDLE_CALLERS_KEPT:
                self._forget_idle()
            self._callers[caller.name] = _CallerFlow()
        return self._callers[caller.name]

    def _forget_idle(self) -> None:
        """Forget callers of which none waits and none is ahead of the others."""
        self._callers = {
            name: flow
            for name, flow in self._callers.items()
            if flow.entry is not None or flow.tag > self._turns.virtual_time
        }

    def _count(self, caller: _CallerFlow[Payload], tokens: int) -> None:
        self.waiting_tokens += tokens
        caller.waiting_tokens += tokens
