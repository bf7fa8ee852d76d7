"""A server under load: what is counted, and the search for its Server rate."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.bench.inputs import body
from loadtests.comparison.answers import AnswerTally, WireCase
from loadtests.comparison.contender import Contender
from loadtests.comparison.plan import LoadPlan
from loadtests.peers.wires import PlainWire
from tests.loadtests.bench.tiny_server import Replies, TinyServer, tiny_server
from tests.loadtests.mlperf.answering import ITEMS, response

ANSWER = {"label": 0, "probabilities": [0.6, 0.4], "logits": [0.4, 0.0]}
RIGHT, WRONG = response(ANSWER), response({**ANSWER, "logits": [9.0, 0.0]})
BRIEF = replace(LoadPlan.quick(0.2), precision=1.0)


@contextmanager
def contender(replies: Replies) -> Iterator[tuple[Contender, TinyServer]]:
    with tiny_server(replies) as server:
        expected = {body(item, "direct"): ANSWER for item in ITEMS}
        case = WireCase.expecting(PlainWire(), expected, AnswerTally(is_exact=True))
        yield Contender("tiny", server.process, case, BRIEF), server


def test_callers_ask_again_as_soon_as_they_are_answered() -> None:
    with contender(lambda _: [RIGHT]) as (tiny, server):
        found = tiny.closed(0.2)
    assert found.answered_per_s > 0
    assert found.failed_share == 0
    assert found.goodput_per_s <= found.answered_per_s
    assert 0 < found.p50_ms <= found.p95_ms <= found.p99_ms
    assert server.requests[0].startswith(b"POST /predict/xcopa ")
    asked = {json.loads(each.partition(b"\r\n\r\n")[2])["model"] for each in server.requests}
    assert asked == {"direct"}


def test_answers_that_are_not_the_services_have_failed() -> None:
    turns = itertools.cycle([RIGHT, WRONG, response({}, "500 Error"), response({"label": 0})])
    with contender(lambda _: [next(turns)]) as (tiny, _):
        found = tiny.closed(0.2)
    assert found.failed_share == pytest.approx(0.75, abs=0.1)


def test_requests_arrive_whether_or_not_others_are_answered() -> None:
    with contender(lambda _: [RIGHT]) as (tiny, server):
        found = tiny.open(200.0, 0.5)
    assert found.offered_per_s == pytest.approx(len(server.requests) / 0.5, rel=0.05)
    assert found.offered_per_s == pytest.approx(200, rel=0.4)


@pytest.mark.slow
def test_the_server_rate_is_one_that_loadgen_calls_valid(tmp_path: Path) -> None:
    said: list[str] = []
    with contender(lambda _: [WRONG]) as (tiny, _):
        # LoadGen hears of labels alone, and this one is right.
        found = tiny.server_rate(40.0, "direct", ITEMS, tmp_path, said.append)
    assert found.tried_per_s[0] == 40.0
    assert found.rate in (0.0, *found.tried_per_s)
    assert len(said) == len(found.tried_per_s)
    assert said[0].startswith("tiny: Server at 40 queries/s: ")


@pytest.mark.slow
def test_a_server_without_answers_has_no_server_rate(tmp_path: Path) -> None:
    with contender(lambda _: [response({}, "503 No")]) as (tiny, _):
        found = tiny.server_rate(40.0, "direct", ITEMS, tmp_path, lambda line: None)
    assert (found.rate, found.p99_ms) == (0.0, 0.0)
    assert found.tried_per_s == sorted(found.tried_per_s, reverse=True)
