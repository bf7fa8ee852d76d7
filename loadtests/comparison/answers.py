"""Judges the answers of a server by those of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from loadtests.bench.inputs import body
from loadtests.bench.peers import is_same
from loadtests.items import ItemFields
from loadtests.mlperf.asker import NO_ANSWER, OK, AnsweredLabels
from loadtests.peers.wires import PeerAnswer, Wire

WRONG_SHAPE = (ValueError, KeyError, TypeError, IndexError, RecursionError)
"""What reading an answer raises that has not the shape of one."""


@dataclass(frozen=True)
class Agreement:
    """How far a server's answers are those of the service."""

    items: int
    labels: float
    """The share of items with the same label."""
    greatest_difference: float
    """Between logits."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class AnswerTally:
    """What a server has answered, by the body of its request."""

    is_exact: bool
    """Whether an answer is sound only if it is the service's, but for rounding."""
    same: dict[bytes, bool] = field(default_factory=dict)
    difference: float = 0.0

    def judge(self, request: bytes, found: PeerAnswer, expected: PeerAnswer) -> bool:
        """Note an answer, and say whether it is sound.

        Raises:
            one of ``WRONG_SHAPE``.
        """
        pairs = list(zip(found["logits"], expected["logits"], strict=True))
        self.difference = max(self.difference, *(abs(one - other) for one, other in pairs))
        self.same[request] = found["label"] == expected["label"]
        adds_up = found["label"] in (0, 1) and len(found["probabilities"]) == len(pairs)
        return is_same(found, expected) if self.is_exact else adds_up

    @property
    def agreement(self) -> Agreement:
        """Over the items that were asked so far."""
        count = len(self.same)
        return Agreement(count, sum(self.same.values()) / max(1, count), self.difference)


@dataclass(frozen=True)
class ExpectedBody:
    """A request to a server, and what the service answers to it."""

    body: bytes
    expected: PeerAnswer
    wire: Wire
    tally: AnswerTally

    def is_sound(self, content: bytes) -> bool:
        """Whether the content of a response is the answer."""
        try:
            return self.tally.judge(self.body, self.wire.answer(content), self.expected)
        except WRONG_SHAPE:
            return False


@dataclass(frozen=True)
class UnjudgedBody:
    """A request to a server whose model computes nothing: every answer with a label will do."""

    body: bytes
    wire: Wire

    def is_sound(self, content: bytes) -> bool:
        """Whether the content of a response is an answer."""
        try:
            return self.wire.answer(content)["label"] in (0, 1)
        except WRONG_SHAPE:
            return False


@dataclass(frozen=True)
class WireCase:
    """Requests to a server."""

    wire: Wire
    bodies: Sequence[ExpectedBody | UnjudgedBody]

    @property
    def path(self) -> str:
        """Of the endpoint."""
        return self.wire.path

    @classmethod
    def expecting(
        cls, wire: Wire, expected: Mapping[bytes, PeerAnswer], tally: AnswerTally
    ) -> WireCase:
        """Return a case that judges; ``expected`` is by the body of a request to the service."""
        bodies = [
            ExpectedBody(wire.body(own), answer, wire, tally) for own, answer in expected.items()
        ]
        return cls(wire, bodies)

    @classmethod
    def unjudged(cls, wire: Wire, bodies: Sequence[bytes]) -> WireCase:
        """Return a case for a model that computes nothing."""
        return cls(wire, [UnjudgedBody(wire.body(own), wire) for own in bodies])


@dataclass(frozen=True)
class WireDialect:
    """How LoadGen's samples are asked of a server."""

    wire: Wire
    variant: str

    def request_of(self, items: Sequence[ItemFields]) -> tuple[str, bytes]:
        """Return the path and the body that ask about one item."""
        [item] = items
        return self.wire.path, self.wire.body(body(item, self.variant))

    def labels_of(self, status: int, content: bytes, count: int) -> AnsweredLabels:
        """Return the label of a response, in a list."""
        if status != OK:
            return [NO_ANSWER] * count
        try:
            return [int(self.wire.answer(content)["label"])]
        except WRONG_SHAPE:
            return [NO_ANSWER] * count
