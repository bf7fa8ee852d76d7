"""Who gives way to whom when connections, or the bodies they hold, are too many."""

from __future__ import annotations

import pytest

from app.api.connections import ConnectionLimits, Connections
from app.api.problem import HttpError
from app.telemetry.log_format import current_request
from app.telemetry.metrics import Metrics


class OneConnection:
    """A connection that remembers whether it was closed."""

    def __init__(self, shared: Connections, name: str) -> None:
        self.held_bytes = 0
        self.name = name
        self.closed = False
        shared.waits(self)

    def give_way(self) -> None:
        self.closed = True

    def __repr__(self) -> str:
        return self.name


@pytest.fixture
def shared() -> Connections:
    limits = ConnectionLimits(
        connections=2, header_bytes=1, buffered_bytes=100, receive_seconds=1.0
    )
    return Connections(limits, Metrics(["direct"]))


def test_within_the_limit_nobody_gives_way(shared: Connections) -> None:
    first, second = (OneConnection(shared, name) for name in "ab")
    assert shared.make_room(second, 2)
    assert not first.closed


def test_who_has_waited_longest_gives_way(shared: Connections) -> None:
    first, second, third = (OneConnection(shared, name) for name in "abc")
    shared.works(first)
    shared.waits(first)
    assert shared.make_room(third, 3)
    assert [each for each in (first, second, third) if each.closed] == [second]


def test_a_newcomer_is_refused_when_all_are_at_work(shared: Connections) -> None:
    first, second, third = (OneConnection(shared, name) for name in "abc")
    shared.works(first)
    shared.works(second)
    assert not shared.make_room(third, 3)
    assert not any(each.closed for each in (first, second, third))


def test_bodies_have_a_limit_over_all_connections(shared: Connections) -> None:
    idle, slow, slower = (OneConnection(shared, name) for name in "abc")
    assert shared.hold(slow, 50)
    assert shared.hold(slower, 50)
    assert shared.hold(slower, 1)
    assert [idle.closed, slow.closed, slower.closed] == [False, True, False]
    assert shared.held_bytes == 51


def test_a_body_is_refused_when_all_others_are_at_work(shared: Connections) -> None:
    working, newcomer = (OneConnection(shared, name) for name in "ab")
    assert shared.hold(working, 100)
    shared.works(working)
    assert not shared.hold(newcomer, 1)
    assert not working.closed


def test_what_was_answered_is_held_no_more(shared: Connections) -> None:
    connection = OneConnection(shared, "a")
    for _ in range(3):
        assert shared.hold(connection, 100)
        shared.release(connection)
    assert shared.held_bytes == connection.held_bytes == 0


def test_what_is_no_request_is_counted_and_logged_with_its_reason_alone(
    shared: Connections, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    error = HttpError(400, "Bad request", "this is not HTTP/1.1: GET /secret")
    shared.refused(error, "0123456789abcdef", 0.25)
    [record] = caplog.records
    said = {name: record.__dict__[name] for name in ("route", "status", "duration_ms", "problem")}
    assert said == {
        "route": "unparsed",
        "status": 400,
        "duration_ms": 250.0,
        "problem": "bad-request",
    }
    assert current_request.get() == {"request_id": "0123456789abcdef"}
    assert "secret" not in str(record.__dict__)
