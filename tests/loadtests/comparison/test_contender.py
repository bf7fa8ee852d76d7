"""A server under load: what is counted, and the search for its Server rate."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.bench.inputs import body
from loadtests.comparison.answers import AnswerTally, WireCase
from loadtests.comparison.contender import Contender
from loadtests.comparison.plan import LoadPlan
from loadtests.mlperf.server_rate import FEWEST
from loadtests.peers.wires import PlainWire
from tests.loadtests.bench.tiny_server import Replies, TinyServer, tiny_server
from tests.loadtests.mlperf.answering import ITEMS, response

ANSWER = {"label": 0, "probabilities": [0.6, 0.4], "logits": [0.4, 0.0]}
RIGHT, WRONG = response(ANSWER), response({**ANSWER, "logits": [9.0, 0.0]})
BRIEF = replace(LoadPlan.quick(0.2), precision=1.0, most_s=6.0, bound_s=1.0)


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
    """A server with one answer at a time, 8 ms each: 125 a second at most."""
    said: list[str] = []
    turn = threading.Lock()

    def one_at_a_time(_: bytes) -> list[bytes]:
        with turn:
            time.sleep(0.008)
        return [WRONG]  # LoadGen hears of labels alone, and this one is right.

    with contender(one_at_a_time) as (tiny, _):
        found = tiny.server_rate(80.0, "direct", ITEMS, tmp_path, said.append)
    assert found.rate in [each.offered_per_s for each in found.tried if each.holds]
    assert found.tried[0].offered_per_s == 80.0
    assert found.queries >= FEWEST
    assert found.too_high is not None
    assert len(said) == len(found.tried)
    assert said[0] == "tiny: Server at 80 queries/s: valid"


@pytest.mark.slow
def test_a_server_without_answers_has_no_server_rate_and_not_one_of_0(tmp_path: Path) -> None:
    with contender(lambda _: [response({}, "503 No")]) as (tiny, _):
        found = tiny.server_rate(100.0, "direct", ITEMS, tmp_path, lambda line: None)
    assert found.rate is None
    assert "items had no sound answer" in found.why_not
    tried = [each.offered_per_s for each in found.tried]
    assert found.too_high == min(tried) == tried[-1]
