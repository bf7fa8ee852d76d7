"""More work than the engine can do: deadlines are kept and nobody is starved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

import pytest

from tests.chaos.client import BATCH, PREDICT, Crowd, Reply, item, items
from tests.chaos.conftest import Poison, StartServer
from tests.chaos.faults import Mode
from tests.chaos.service import FaultyServer, wait_until

SLOW_BATCH_S = 0.01

DEADLINES_MS = (50, 100, 200, 400)
CALLERS = 24
HANG_GUARD_S = 20.0
"""What a response may take beyond its deadline, on any machine."""

BULK_CONNECTIONS = 4
BULK_ITEMS = 64
SINGLES = 15
FEW_BATCHES = 4
"""A single may wait for a turn or two beside the batch at work; behind the bulk caller's backlog
it would wait for dozens."""


def check(replies: Sequence[tuple[float, Reply]]) -> set[int]:
    """Check responses to calls with a deadline in milliseconds; return their statuses."""
    for deadline, reply in replies:
        assert reply.seconds < deadline / 1000 + HANG_GUARD_S
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            assert reply.is_problem(HTTPStatus.TOO_MANY_REQUESTS)
            assert reply.retry_after >= 1
        elif reply.status == HTTPStatus.GATEWAY_TIMEOUT:
            assert reply.is_problem(HTTPStatus.GATEWAY_TIMEOUT)
            assert re.search(rf"within {deadline:.0f} ms: it waited \d+ ms", reply.json["detail"])
    return {reply.status for _, reply in replies}


@pytest.mark.slow
def test_deadlines_are_kept_under_overload(start: StartServer) -> None:
    """An answer in time, a refusal that says when to retry, or a 504 that says how long it was."""
    server = start(XCOPA_QUEUE_SECONDS="0.5")

    def ask(number: int) -> tuple[float, Reply]:
        deadline = DEADLINES_MS[number % len(DEADLINES_MS)]
        headers = {"X_Request_Timeout_Ms": str(deadline), "X_API_Key": f"caller-{number}"}
        return deadline, server.call(BATCH, items(1 + number % 4), **headers)

    held = server.hold_engine()
    storm = Crowd(CALLERS, ask)
    server.wait_for_responses(BATCH, HTTPStatus.GATEWAY_TIMEOUT, CALLERS)
    server.faults.set(Mode.SLOW, SLOW_BATCH_S)
    for status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.OK):
        server.wait_for_responses(BATCH, status, CALLERS)
    replies = storm.stop()
    assert held.result().status == HTTPStatus.OK
    assert check(replies) == {
        HTTPStatus.OK,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
    # The storm is over: nothing of it is left to wait for.
    assert server.metrics.value("xcopa_queue_items") == 0
    assert server.metrics.value("xcopa_queue_seconds") == 0
    given = len(server.faults.batches())
    assert server.call(PREDICT, item(0)).status == HTTPStatus.OK
    assert len(server.faults.batches()) == given + 1, "it waited for no batch but its own"


def batches_before_single(server: FaultyServer, poison: Poison, number: int) -> int:
    """Ask a single as a caller of its own; return how many batches went before it.

    Its batch is known in the engine's log by its word, and those before it by the time that it
    says it was in the queue: so a test that is held up itself counts no batch too many.
    """
    given = len(server.faults.batches())
    reply = server.call(PREDICT, poison.item(number), X_API_Key=f"single-{number}")
    assert reply.status == HTTPStatus.OK, reply
    batches = server.faults.batches(given - 1)
    own = next(n for n, batch in enumerate(batches) if batch.holds(poison.token))
    admitted_at = batches[own].at - reply.queue_seconds
    return sum(batch.at > admitted_at for batch in batches[:own])


@pytest.mark.slow
def test_a_bulk_caller_starves_no_single_one(server: FaultyServer, poison: Poison) -> None:
    """Singles are never refused, and overtake a backlog of the bulk caller's batches."""
    server.faults.set(Mode.SLOW, SLOW_BATCH_S)

    def ask_bulk(_: int) -> Reply:
        return server.call(BATCH, items(BULK_ITEMS), X_API_Key="bulk")

    bulk = Crowd(BULK_CONNECTIONS, ask_bulk)
    backlog = BULK_ITEMS * (BULK_CONNECTIONS - 1)
    wait_until(lambda: server.metrics.value("xcopa_queue_items") >= backlog, "a backlog")
    waited = [batches_before_single(server, poison, number) for number in range(SINGLES)]
    server.faults.clear()
    replies = bulk.stop()
    assert max(waited) <= FEW_BATCHES, waited
    assert HTTPStatus.OK in {reply.status for reply in replies}
    assert {reply.status for reply in replies} <= {HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS}
