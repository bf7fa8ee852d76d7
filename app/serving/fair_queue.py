"""The items that wait for one model, fair between callers and between a caller's calls.

Start-time fair queueing (Goyal, Vin and Cheng 1996) in tokens, on two levels. Between callers
the one that has been given least goes first. Within a caller each call is a flow: its second
item is tagged behind its first by the first's tokens, so the items of a call of 64 wait for
their turns among the calls that the same caller sends meanwhile.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from typing import Generic

from app.serving.work import Payload, Ticket

_IDLE_CALLERS_KEPT = 1024


class _Caller(Generic[Payload]):
    """The waiting items of one caller, least start tag first."""

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, Ticket[Payload]]] = []
        self.virtual_time = 0.0
        self.given = 0.0
        """Tokens given to it, and to others while it was idle."""
        self.waiting_items = 0
        self.waiting_tokens = 0
        self.has_turn = False
        """Whether it stands in the queue's order of turns."""

    def drop_gone(self) -> None:
        """Drop entries of items that have ended: those on top, or all once they are most."""
        while self.heap and not self.heap[0][2].waiting:
            heapq.heappop(self.heap)
        if len(self.heap) > 2 * self.waiting_items:
            self.heap = [entry for entry in self.heap if entry[2].waiting]
            heapq.heapify(self.heap)


class FairQueue(Generic[Payload]):
    """Hands out waiting items in the order that is fair."""

    def __init__(self) -> None:
        self.waiting_items = 0
        self.waiting_tokens = 0
        self._callers: dict[str, _Caller[Payload]] = {}
        self._turns: list[tuple[float, int, _Caller[Payload]]] = []
        self._given = 0.0
        """Where an idle caller re-enters: the last served caller's total before that turn."""
        self._most_given = 0.0
        self._order = itertools.count()

    def add(self, call: Sequence[Ticket[Payload]]) -> None:
        """Queue the items of one call of one caller."""
        caller = self._caller(call[0].caller)
        tag = caller.virtual_time
        for ticket in call:
            ticket.start_tag = tag
            tag += ticket.tokens
            heapq.heappush(caller.heap, (ticket.start_tag, next(self._order), ticket))
            self._count(caller, ticket, 1)
        if not caller.has_turn:
            # A caller that was idle has no claim on the time it did not ask for.
            caller.given = max(caller.given, self._given)
            caller.has_turn = True
            heapq.heappush(self._turns, (caller.given, next(self._order), caller))

    def next(self) -> Ticket[Payload] | None:
        """Return the item whose turn it is, without taking it."""
        while self._turns:
            caller = self._turns[0][2]
            caller.drop_gone()
            if caller.heap:
                return caller.heap[0][2]
            heapq.heappop(self._turns)
            caller.has_turn = False
        return None

    def take(self) -> Ticket[Payload]:
        """Take the item that ``next`` has just returned."""
        caller = self._turns[0][2]
        _, _, ticket = heapq.heappop(caller.heap)
        self._count(caller, ticket, -1)
        caller.virtual_time = max(caller.virtual_time, ticket.start_tag)
        self._given = caller.given
        caller.given += ticket.tokens
        self._most_given = max(self._most_given, caller.given)
        if not self.waiting_items:
            # Nobody waits, so nobody is ahead of anybody.
            self._given = self._most_given
        heapq.heapreplace(self._turns, (caller.given, next(self._order), caller))
        return ticket

    def release(self, ticket: Ticket[Payload]) -> None:
        """Take an item that ends before its turn out of the counts."""
        caller = self._callers[ticket.caller]
        self._count(caller, ticket, -1)

    def drop_gone(self, name: str) -> None:
        """Let go of a caller's items that have ended; after ``release`` and their outcome."""
        self._callers[name].drop_gone()

    def waiting(self) -> Iterator[Ticket[Payload]]:
        """Every waiting item, in no order."""
        entries = itertools.chain.from_iterable(c.heap for c in self._callers.values())
        return (ticket for _, _, ticket in entries if ticket.waiting)

    def waiting_tokens_of(self, name: str) -> int:
        """Return the tokens of a caller that wait."""
        caller = self._callers.get(name)
        return caller.waiting_tokens if caller else 0

    def tokens_ahead(self, name: str, tokens: int) -> int:
        """Return what is served before the end of a new call: own items, and others' shares."""
        own = self.waiting_tokens_of(name) + tokens
        others = (c.waiting_tokens for n, c in self._callers.items() if n != name)
        return own + sum(min(other, own) for other in others if other)

    def _caller(self, name: str) -> _Caller[Payload]:
        if name not in self._callers:
            if len(self._callers) >= _IDLE_CALLERS_KEPT:
                self._forget_idle()
            self._callers[name] = _Caller()
        return self._callers[name]

    def _forget_idle(self) -> None:
        """Forget callers that nothing is known of: none waits, and none is ahead of the others."""
        self._callers = {
            name: caller
            for name, caller in self._callers.items()
            if caller.has_turn or caller.waiting_items or caller.given > self._given
        }

    def _count(self, caller: _Caller[Payload], ticket: Ticket[Payload], sign: int) -> None:
        for counts in (self, caller):
            counts.waiting_items += sign
            counts.waiting_tokens += sign * ticket.tokens
