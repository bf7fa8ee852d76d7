"""The process is told to stop, or is killed, in the midst of more load than it can take."""

from __future__ import annotations

import signal
import time
from http import HTTPStatus

import pytest

from tests.chaos.client import (
    BATCH,
    PREDICT,
    BrokenConnectionError,
    Crowd,
    Reply,
    close_to,
    item,
    items,
)
from tests.chaos.conftest import StartServer
from tests.chaos.faults import Mode
from tests.chaos.service import FaultyServer, wait_until

CALLERS = 32
ITEMS_A_CALL = 4
SLOW_BATCH_S = 0.02
PAUSE_S = 0.02


@pytest.mark.slow
def test_sigterm_under_overload_loses_no_call(start: StartServer) -> None:
    """Whoever got a connection gets a whole response: 200, 429 or 503. The exit status is 0."""
    server = start(XCOPA_QUEUE_SECONDS="0.5")
    server.faults.set(Mode.SLOW, SLOW_BATCH_S)

    def ask(_: int) -> Reply | None:
        try:
            return server.call(BATCH, items(ITEMS_A_CALL))
        except ConnectionRefusedError:
            time.sleep(PAUSE_S)
            return None  # nobody listens any more: nothing was accepted

    crowd = Crowd(CALLERS, ask)
    for status in (HTTPStatus.OK, HTTPStatus.TOO_MANY_REQUESTS):
        server.wait_for_responses(BATCH, status, CALLERS)
    server.terminate()
    assert server.exit_status() == 0
    replies = [reply for reply in crowd.stop() if reply is not None]
    statuses = {reply.status for reply in replies}
    assert statuses <= {
        HTTPStatus.OK,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
    for reply in replies:
        if reply.status == HTTPStatus.OK:
            assert len(reply.json["predictions"]) == ITEMS_A_CALL
        else:
            assert reply.retry_after >= 1
    assert not any("work was left" in line for line in server.output)


def ask_or_lose(server: FaultyServer, number: int) -> tuple[int, Reply | None]:
    """Return the number, and the reply, or None when there is no connection or it breaks."""
    try:
        return number, server.call(PREDICT, item(number))
    except (ConnectionRefusedError, BrokenConnectionError):
        time.sleep(PAUSE_S)
        return number, None


@pytest.mark.slow
def test_a_killed_server_is_replaced_on_its_port(start: StartServer) -> None:
    """Callers see broken connections, never a wrong answer; the next process answers the same."""
    first = start()
    expected = [first.call(PREDICT, item(number)).logits for number in range(CALLERS)]
    crowd = Crowd(CALLERS, lambda number: ask_or_lose(first, number))
    wait_until(lambda: first.metrics.items("answered") >= 3 * CALLERS, "calls are answered")
    first.process.kill()
    assert first.exit_status() == -signal.SIGKILL

    second = start(XCOPA_PORT=str(first.port))
    assert second.url == first.url
    assert second.ready
    wait_until(lambda: second.metrics.items("answered") >= 2 * CALLERS, "calls are answered again")
    seen = crowd.stop()
    assert any(reply is None for _, reply in seen)
    for number, reply in seen:
        if reply is not None and reply.status != HTTPStatus.SERVICE_UNAVAILABLE:  # it loads
            assert reply.logits == close_to(expected[number])
    for number, logits in enumerate(expected):
        assert second.call(PREDICT, item(number)).logits == close_to(logits)
