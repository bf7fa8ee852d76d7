"""The closed load: callers that ask again as soon as they are answered."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import pytest

from loadtests.bench.closed_load import ClosedLoad, closed_load, counted_load
from tests.loadtests.bench.tiny_server import tiny_server


def test_each_caller_asks_at_least_once() -> None:
    with tiny_server() as server:
        load = closed_load(server.process, [b"{}"], callers=3, seconds=0)
    assert len(server.requests) == len(load.latencies) >= 3
    assert all(request.startswith(b"POST /predict/xcopa ") for request in server.requests)


def test_callers_share_the_bodies_out() -> None:
    bodies = [json.dumps({"number": number}).encode() for number in range(4)]
    with tiny_server() as server:
        closed_load(server.process, bodies, callers=4, seconds=0)
    sent = {request.partition(b"\r\n\r\n")[2] for request in server.requests}
    assert sent == set(bodies)


def test_a_caller_that_is_answered_asks_the_next_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A clock that goes on by a second whenever it is read: time for three requests.
    clock = SimpleNamespace(monotonic=itertools.count().__next__)
    monkeypatch.setattr("loadtests.bench.closed_load.time", clock)
    with tiny_server() as server:
        load = closed_load(server.process, [b"{1}", b"{2}", b"{3}"], callers=1, seconds=3)
    sent = [request.partition(b"\r\n\r\n")[2] for request in server.requests]
    assert sent == [b"{1}", b"{2}", b"{3}"]
    assert load.latencies == [1, 1, 1]


def test_a_counted_load_is_so_many_questions_of_each_caller() -> None:
    bodies = [json.dumps({"number": number}).encode() for number in range(6)]
    with tiny_server() as server:
        load = counted_load(server.process, bodies, callers=2, requests=3)
    sent = [request.partition(b"\r\n\r\n")[2] for request in server.requests]
    assert sorted(sent) == bodies
    assert len(load.latencies) == 6


def test_a_status_other_than_200_ends_the_load() -> None:
    refusal = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    with (
        tiny_server(lambda _: [refusal]) as server,
        pytest.raises(RuntimeError, match="status 503"),
    ):
        closed_load(server.process, [b"{}"], callers=1, seconds=60)


def test_each_answer_is_checked_beside_its_question() -> None:
    checked = []
    with tiny_server() as server:
        closed_load(server.process, [b"{1}"], 1, 0, check=lambda *both: checked.append(both))
    assert checked == [(b"{1}", b"{}")]


def test_rate_and_median() -> None:
    load = ClosedLoad([0.1, 0.4, 0.2], seconds=1.5)
    assert (load.rate, load.median) == (2, 0.2)
