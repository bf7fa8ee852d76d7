"""An engine that raises, for an item or for a while, and a worker's thread that dies."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.chaos.client import BATCH, PREDICT, close_to, in_background, item
from tests.chaos.conftest import Poison
from tests.chaos.faults import Mode
from tests.chaos.service import FaultyServer, wait_until

pytestmark = pytest.mark.slow

NEIGHBOURS = 6
ROWS_AN_ITEM = 2


def test_a_poisoned_item_fails_alone(server: FaultyServer, poison: Poison) -> None:
    """Its neighbours in the same call, and in calls that share its batch, are answered."""
    expected = [server.call(PREDICT, item(number)).logits for number in range(NEIGHBOURS)]
    body = [item(number) for number in range(NEIGHBOURS)]
    body[2] = poison.item(2)
    before = server.metrics
    given = len(server.faults.batches())
    held = server.hold_engine()
    one = in_background(server.call, PREDICT, poison.item(0))
    many = in_background(server.call, BATCH, {"items": body})
    others = [in_background(server.call, PREDICT, item(number)) for number in range(NEIGHBOURS)]
    server.wait_for_queue(1 + 2 * NEIGHBOURS)
    server.faults.set(Mode.POISON, poison_token=poison.token)

    assert held.result().status == HTTPStatus.OK
    assert one.result().is_problem(HTTPStatus.INTERNAL_SERVER_ERROR)
    assert many.result().status == HTTPStatus.OK
    predictions = many.result().json["predictions"]
    assert predictions[2]["error"]["status"] == HTTPStatus.INTERNAL_SERVER_ERROR
    assert predictions[2]["error"]["errors"][0]["field"] == "items.2"
    for number in {*range(NEIGHBOURS)} - {2}:
        assert predictions[number]["logits"] == close_to(expected[number])
    for number, other in enumerate(others):
        assert other.result().logits == close_to(expected[number])
    assert server.metrics.since(before, "xcopa_items_total", outcome="failed") == 2
    poisoned = [batch for batch in server.faults.batches(given) if batch.holds(poison.token)]
    assert max(len(batch.rows) for batch in poisoned) > ROWS_AN_ITEM, "it had neighbours"


def test_an_engine_that_fails_for_a_while_recovers(server: FaultyServer) -> None:
    """Each call is told so; the process stays alive and ready, and answers when it can."""
    expected = server.call(PREDICT, item(0)).logits
    before = server.metrics
    server.faults.set(Mode.RAISE)
    for number in range(10):
        assert server.call(PREDICT, item(number)).is_problem(HTTPStatus.INTERNAL_SERVER_ERROR)
    together = server.call(BATCH, {"items": [item(0), item(1)]})
    assert together.is_problem(HTTPStatus.INTERNAL_SERVER_ERROR)
    assert [error["field"] for error in together.json["errors"]] == ["items.0", "items.1"]
    assert server.ready
    assert server.call("/livez").status == HTTPStatus.OK
    server.faults.clear()
    assert server.call(PREDICT, item(0)).logits == close_to(expected)
    after = server.metrics
    assert after.since(before, "xcopa_items_total", outcome="failed") == 12
    assert after.since(before, "xcopa_worker_restarts_total") == 0


def test_a_worker_that_dies_is_replaced(server: FaultyServer) -> None:
    """The calls of its batch fail; those that waited behind it are answered by the new one."""
    before = server.metrics
    expected = [server.call(PREDICT, item(number)).logits for number in range(3)]
    held = server.hold_engine()
    behind = [in_background(server.call, PREDICT, item(number)) for number in range(3)]
    server.wait_for_queue(len(behind))
    server.faults.set(Mode.DIE)

    assert held.result().is_problem(HTTPStatus.INTERNAL_SERVER_ERROR)
    for number, waiting in enumerate(behind):
        assert waiting.result().logits == close_to(expected[number])
    wait_until(lambda: server.ready, "ready again")
    after = server.metrics
    assert after.since(before, "xcopa_worker_restarts_total") == 1
    assert after.value("xcopa_ready") == 1
    assert server.call(PREDICT, item(0)).logits == close_to(expected[0])
