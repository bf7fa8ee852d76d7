"""``xcopa serve --ray``: a cluster of this machine, from the start to a signal."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.app.scale.cluster import (
    MARK,
    REPLICA_LIMIT_S,
    START_LIMIT_S,
    OnRay,
    Two,
    free_port,
    replicas_of,
)
from tests.app.scale.needs_ray import needs_ray
from tests.chaos.client import (
    PREDICT,
    BrokenConnectionError,
    Reply,
    call,
    in_background,
    item,
)
from tests.chaos.service import Metrics, wait_until

pytestmark = [pytest.mark.slow, needs_ray]

CALLERS = 4


@pytest.fixture
def server(tiny_models: dict[str, str]) -> Iterator[OnRay]:
    with OnRay(XCOPA_PORT=str(free_port()), XCOPA_ENGINES="0", **tiny_models) as made:
        yield made


def ask_until_nobody_answers(url: str) -> list[Reply]:
    """Call again and again, and return the replies.

    Ray ends its proxies without a goodbye. The call that one has then has reached no replica: its
    connection breaks, or nobody listens.
    """
    replies: list[Reply] = []
    while True:
        try:
            replies.append(call(url, PREDICT, item(len(replies))))
        except (ConnectionRefusedError, BrokenConnectionError):
            return replies


def test_told_to_stop_it_answers_all_that_it_has_accepted_and_exits_with_0(
    tiny_models: dict[str, str],
) -> None:
    # Items that wait for others, so that there is something to finish. Its engines are processes
    # of their own, as they are by default.
    mark = uuid.uuid4().hex
    settings = {"XCOPA_PORT": str(free_port()), "XCOPA_MAX_WAIT_MS": "10000", MARK: mark}
    with OnRay(**settings, **tiny_models) as server:
        server.wait_until_ready()
        [replica] = replicas_of(mark)
        assert replica.children(), "its engines"
        accepted = [in_background(call, server.url, PREDICT, item(n)) for n in range(CALLERS)]
        wait_until(
            lambda: (
                Metrics(call(server.url, "/metrics").text).value("xcopa_queue_items") == CALLERS
            ),
            "all of them are accepted",
        )
        server.terminate()
        server.wait_for_line("told to stop")
        late = in_background(ask_until_nobody_answers, server.url)
        assert server.process.wait(REPLICA_LIMIT_S) == 0
    assert [each.result(0).status for each in accepted] == [HTTPStatus.OK] * CALLERS
    for reply in late.result(REPLICA_LIMIT_S):
        if reply.status != HTTPStatus.OK:  # those that came before Serve had heard of it
            assert reply.is_problem(HTTPStatus.SERVICE_UNAVAILABLE), reply
            assert reply.retry_after >= 1


def test_two_replicas_share_the_processors_of_one_machine(tiny_models: dict[str, str]) -> None:
    settings = {"XCOPA_PORT": str(free_port()), "XCOPA_ENGINES": "0", "XCOPA_THREADS": ""}
    with Two(**settings, **tiny_models) as server:
        server.wait_for_line("Adding 2 replicas")
        # It is ready once both are.
        server.wait_until_ready()


def test_told_to_stop_while_replicas_start_it_takes_them_away_and_exits_with_0(
    server: OnRay,
) -> None:
    server.wait_for_line("Adding 1 replica", START_LIMIT_S)
    server.terminate()
    server.wait_for_line("told to stop", REPLICA_LIMIT_S)
    server.wait_for_line("Removing 1 replica", REPLICA_LIMIT_S)
    assert server.process.wait(REPLICA_LIMIT_S) == 0


def test_models_that_cannot_be_loaded_end_it_with_the_reason_in_one_line() -> None:
    settings = {"XCOPA_MODELS__DIRECT": "/nowhere", "XCOPA_ENGINES": "0"}
    with OnRay(XCOPA_PORT=str(free_port()), **settings) as server:
        reason = server.wait_for_line(r"^xcopa cannot start: (.+)", START_LIMIT_S).group(1)
        assert reason.startswith("XCOPA_MODELS__DIRECT: ")
        assert server.exit_status() == 1
