"""An engine that does not come back: the service says so, and neither hangs nor restarts."""

from __future__ import annotations

from concurrent.futures import Future
from http import HTTPStatus

import pytest

from tests.chaos.client import PREDICT, Reply, close_to, in_background, item
from tests.chaos.conftest import StartServer
from tests.chaos.service import FaultyServer, wait_until

WATCHDOG_S = "1"


def condition(server: FaultyServer) -> tuple[int, str]:
    reply = server.call("/readyz")
    return reply.status, reply.json["status"]


def stick(server: FaultyServer) -> list[Future[Reply]]:
    """Return three calls: one that the engine holds, two that wait behind it."""
    held = server.hold_engine()
    return [held, *(in_background(server.call, PREDICT, item(number)) for number in (1, 2))]


@pytest.mark.slow
def test_a_stuck_engine_is_told_to_everyone_until_it_comes_back(start: StartServer) -> None:
    """Not ready, alive, 503 to who waits and who comes; then ready and right, with no restart."""
    server = start(XCOPA_WATCHDOG_S=WATCHDOG_S)
    expected = server.call(PREDICT, item(1)).logits
    before = server.metrics
    waiting = stick(server)
    for each in waiting:
        reply = each.result()
        assert reply.is_problem(HTTPStatus.SERVICE_UNAVAILABLE)
        assert reply.retry_after >= 1
    assert condition(server) == (HTTPStatus.SERVICE_UNAVAILABLE, "stuck")
    assert server.call("/livez").status == HTTPStatus.OK
    assert server.call("/startupz").status == HTTPStatus.OK
    assert server.metrics.value("xcopa_ready") == 0
    new = server.call(PREDICT, item(0))
    assert new.is_problem(HTTPStatus.SERVICE_UNAVAILABLE)
    assert new.retry_after >= 1

    server.faults.clear()
    wait_until(lambda: condition(server) == (HTTPStatus.OK, "ready"), "ready again")
    assert server.call(PREDICT, item(1)).logits == close_to(expected)
    after = server.metrics
    assert after.value("xcopa_ready") == 1
    assert after.value("xcopa_worker_restarts_total") == 0
    assert after.value("xcopa_queue_seconds") == 0
    outcomes = {
        outcome: after.since(before, "xcopa_items_total", outcome=outcome)
        for outcome in ("answered", "failed", "rejected", "expired", "cancelled")
    }
    assert outcomes == {
        "answered": 1,
        "failed": len(waiting),
        "rejected": 1,
        "expired": 0,
        "cancelled": 0,
    }


@pytest.mark.slow
def test_sigterm_while_the_engine_is_stuck_ends_with_0(start: StartServer) -> None:
    """Nobody waits for an engine that does not move: who waits is told, and the process goes."""
    server = start(XCOPA_WATCHDOG_S=WATCHDOG_S, XCOPA_DRAIN_GRACE_S="3600")
    waiting = stick(server)
    server.terminate()
    assert server.exit_status() == 0
    for each in waiting:
        assert each.result().is_problem(HTTPStatus.SERVICE_UNAVAILABLE)
