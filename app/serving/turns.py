"""Whose turn it is among flows that share an engine by weight.

Start-time fair queueing (Goyal, Vin and Cheng 1996): the flow that has been given least, by its
weight, goes first. A flow that comes enters at the virtual time, and so has no claim on what it
did not ask for. The virtual time is that of WF2Q+ (Bennett and Zhang 1997): each token that is
given moves it on by one over the weights of all who wait. With the start tag of what was served
last in its place, flows that bring one item each and keep coming all enter ahead of the second
item of those that were there before, which then wait for as long as others come.
"""

from __future__ import annotations

import heapq
import itertools
from typing import Generic, TypeVar


class Flow:
    """One of those who take turns."""

    def __init__(self, weight: int = 1) -> None:
        self.weight = weight
        self.tag = 0.0
        """The virtual time up to which it has been given its share."""
        self.entry: int | None = None
        """Its entry in the order of turns; None while it has none."""


AnyFlow = TypeVar("AnyFlow", bound=Flow)


class Turns(Generic[AnyFlow]):
    """The flows that wait, least given first; of equals, who entered or was served earlier."""

    def __init__(self) -> None:
        self.virtual_time = 0.0
        self._heap: list[tuple[float, int, AnyFlow]] = []
        self._weight = 0
        self._flows = 0
        self._latest = 0.0
        self._order = itertools.count()

    def enter(self, flow: AnyFlow) -> None:
        """Let a flow that has no turn wait for one."""
        if (first := self.first()) is not None:
            self.virtual_time = max(self.virtual_time, first.tag)
        flow.tag = max(flow.tag, self.virtual_time)
        self._weight += flow.weight
        self._flows += 1
        self._push(flow)

    def leave(self, flow: AnyFlow) -> None:
        """Take a flow out that has nothing more to be served."""
        flow.entry = None
        self._weight -= flow.weight
        self._flows -= 1
        if not self._flows:
            # Nobody waits, so nobody is ahead of anybody.
            self.virtual_time = self._latest
        if len(self._heap) > 2 * self._flows:
            self._heap = [entry for entry in self._heap if entry[1] == entry[2].entry]
            heapq.heapify(self._heap)

    def first(self) -> AnyFlow | None:
        """Return the flow whose turn it is; None when none waits."""
        while self._heap:
            tag, entry, flow = self._heap[0]
            if entry == flow.entry and tag == flow.tag:
                return flow
            heapq.heappop(self._heap)
            if entry == flow.entry:
                self._push(flow)
        return None

    def give(self, flow: AnyFlow, tokens: int) -> None:
        """Count what a flow that waits has been given, in its turn or out of it."""
        flow.tag += tokens / flow.weight
        self._latest = max(self._latest, flow.tag)
        self.virtual_time += tokens / self._weight

    def _push(self, flow: AnyFlow) -> None:
        flow.entry = next(self._order)
        heapq.heappush(self._heap, (flow.tag, flow.entry, flow))
