"""The open load: when requests are due, and what is kept of each."""

from __future__ import annotations

import itertools
import random
import statistics
import threading
from types import SimpleNamespace

import gevent
import pytest

from loadtests.bench.open_load import Arrival, OpenLoad, due_times
from tests.loadtests.bench.tiny_server import OK, tiny_server

REFUSAL = b"HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n"


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - times, no secret


def test_requests_are_due_as_often_as_the_rate_says() -> None:
    times = list(due_times(50, 200, seeded(1)))
    assert len(times) / 200 == pytest.approx(50, rel=0.03)
    assert times == sorted(times)
    assert (times[0], times[-1] < 200) == (0, True)


def test_gaps_between_requests_are_as_random_as_those_of_a_poisson_process() -> None:
    times = list(due_times(20, 500, seeded(2)))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    # An exponential distribution's deviation equals its mean; an even pace would have none.
    assert statistics.stdev(gaps) == pytest.approx(statistics.mean(gaps), rel=0.05)


def test_the_same_seed_makes_the_same_load() -> None:
    one, other = (list(due_times(9, 9, seeded(3))) for _ in range(2))
    assert one == other


def test_each_request_becomes_an_arrival_with_status_and_retry_after() -> None:
    with tiny_server(lambda request: [OK if b"yes" in request else REFUSAL]) as server:
        load = OpenLoad.to(server.port, "/predict", [b"yes", b"no!"], {"X-API-Key": "k"})
        load.send(rate=400, seconds=0.1)
        load.wait()
    assert len(load.arrivals) == len(server.requests) > 5
    found = {(each.status, each.retry_after) for each in load.arrivals}
    assert found == {(200, ""), (429, "3")}
    assert all(b"X-API-Key: k" in request for request in server.requests)


def test_a_request_without_a_response_has_status_0() -> None:
    with tiny_server(lambda _: None) as server:
        load = OpenLoad.to(server.port, "/", [b""], {})
        load.send(rate=1, seconds=1e-9)
        load.wait()
    [arrival] = load.arrivals
    assert (arrival.status, arrival.retry_after) == (0, "")


def test_a_request_that_is_cut_on_a_kept_connection_is_not_sent_again() -> None:
    """It was, and counted as answered: a bench that finds no failure could have had some."""
    asked: list[bytes] = []

    def cut_every_second(request: bytes) -> list[bytes] | None:
        asked.append(request)
        return None if len(asked) % 2 == 0 else [OK]

    with tiny_server(cut_every_second) as server:
        load = OpenLoad.to(server.port, "/", [b""], {})
        for _ in range(4):
            load.send(rate=1, seconds=1e-9)
            gevent.joinall(load._waiting)
        load.wait()
    assert [each.status for each in load.arrivals] == [200, 0, 200, 0]
    assert len(server.requests) == 4


def test_a_request_that_never_ends_is_an_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was none, so that whoever counted failures did not see it."""
    over = threading.Event()

    def keep_waiting(_: bytes) -> None:
        over.wait()

    with tiny_server(keep_waiting) as server:
        load = OpenLoad.to(server.port, "/", [b""], {})
        load.send(rate=1, seconds=1e-9)
        monkeypatch.setattr("loadtests.bench.open_load.HUNG_S", 0.1)
        load.wait()
        over.set()
    assert [each.status for each in load.arrivals] == [0]


def test_the_time_of_a_request_counts_from_when_it_was_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tiny_server() as server:
        load = OpenLoad.to(server.port, "/", [b""], {})
        # As if the generator had been busy for 40 s when the request was due.
        moments = iter([100.0, 140.0, 140.5])
        clock = SimpleNamespace(monotonic=lambda: next(moments))
        monkeypatch.setattr("loadtests.bench.open_load.time", clock)
        load.send(rate=1, seconds=1e-9)
        load.wait()
    assert load.arrivals == [Arrival(200, 40.5, "")]
