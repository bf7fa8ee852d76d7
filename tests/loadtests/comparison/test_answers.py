"""What counts as an answer of a peer, and how far it agrees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtests.bench.inputs import body
from loadtests.comparison.answers import AnswerTally, WireCase, WireDialect
from loadtests.peers.wires import ListWire, PlainWire

ANSWER = {"label": 1, "probabilities": [0.3, 0.7], "logits": [-0.2, 0.6473]}
ITEM = {"premise": "It rained.", "choice1": "A.", "choice2": "B.", "question": "effect"}


def case(is_exact: bool) -> tuple[AnswerTally, WireCase]:
    tally = AnswerTally(is_exact)
    return tally, WireCase.expecting(PlainWire(), {b"1": ANSWER, b"2": ANSWER}, tally)


def content(**changes: Any) -> bytes:
    return json.dumps(ANSWER | changes).encode()


def test_an_exact_answer_has_the_logits_of_the_service() -> None:
    tally, asked = case(is_exact=True)
    assert asked.bodies[0].is_sound(content())
    assert asked.bodies[0].is_sound(content(logits=[-0.2005, 0.6473]))
    assert not asked.bodies[1].is_sound(content(logits=[-0.2, 0.66]))
    assert tally.difference == pytest.approx(0.0127)


def test_in_8_bits_an_answer_may_differ_and_the_labels_that_agree_are_counted() -> None:
    tally, asked = case(is_exact=False)
    other = content(label=0, logits=[0.5, 0.1], probabilities=[0.6, 0.4])
    assert asked.bodies[0].is_sound(other)
    assert asked.bodies[1].is_sound(content(logits=[-0.3, 0.7]))
    assert asked.bodies[1].is_sound(content())  # asked again, it counts once
    found = tally.agreement
    assert (found.items, found.labels) == (2, 0.5)
    assert found.greatest_difference == pytest.approx(0.7)


@pytest.mark.parametrize("is_exact", [True, False])
@pytest.mark.parametrize(
    "nonsense",
    [b"", b"[", b"{}", b"[]", b"1", content(logits=[1.0]), content(logits=None)],
)
def test_what_has_not_the_shape_of_an_answer_is_none(is_exact: bool, nonsense: bytes) -> None:
    tally, asked = case(is_exact)
    assert not asked.bodies[0].is_sound(nonsense)
    assert tally.agreement.items == 0


def test_a_label_that_is_none_is_no_answer_in_8_bits_either() -> None:
    assert not case(is_exact=False)[1].bodies[0].is_sound(content(label=2))


def test_a_model_that_computes_nothing_only_needs_a_label() -> None:
    asked = WireCase.unjudged(ListWire(), [b"{}"])
    assert asked.bodies[0].body == b'{"items": [{}]}'
    assert asked.bodies[0].is_sound(b"[%s]" % content(logits=[0.0, 0.0]))
    assert not asked.bodies[0].is_sound(content())


def test_samples_of_loadgen_are_asked_on_the_wire_of_the_peer() -> None:
    dialect = WireDialect(ListWire("/answer"), "direct")
    path, asked = dialect.request_of([ITEM])
    assert path == "/answer"
    assert asked == ListWire().body(body(ITEM, "direct"))
    assert dialect.labels_of(200, b"[%s]" % content(), 1) == [1]
    assert dialect.labels_of(503, b"[%s]" % content(), 1) == [-1]
    assert dialect.labels_of(200, content(), 1) == [-1]
