"""``xcopa serve --ray``: a cluster of this machine, from the start to a signal."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.app.scale.cluster import REPLICA_LIMIT_S, START_LIMIT_S, Callers, free_port
from tests.app.scale.needs_ray import needs_ray
from tests.chaos.client import PREDICT, BrokenConnectionError, call, item
from tests.e2e.server import ServerProcess

pytestmark = [pytest.mark.slow, needs_ray]


class OnRay(ServerProcess):
    """The command; what it starts ends with it."""

    arguments: tuple[str, ...] = ("serve", "--ray")


@pytest.fixture
def server(tiny_models: dict[str, str]) -> Iterator[OnRay]:
    with OnRay(XCOPA_PORT=str(free_port()), XCOPA_ENGINES="0", **tiny_models) as made:
        yield made


def test_told_to_stop_it_answers_what_it_has_accepted_and_exits_with_0(server: OnRay) -> None:
    server.wait_until_ready()
    assert call(server.url, PREDICT, item(1)).status == HTTPStatus.OK
    callers = Callers(server.url, 4)
    callers.wait_for_answers(20)
    server.terminate()
    server.wait_for_line("told to stop")
    assert server.process.wait(REPLICA_LIMIT_S) == 0
    # The last thing that callers meet is that nobody listens.
    with pytest.raises((ConnectionRefusedError, BrokenConnectionError)):
        callers.stop()
    assert {reply.status for reply in callers.replies} <= {
        HTTPStatus.OK,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }


def test_two_replicas_share_the_processors_of_one_machine(tiny_models: dict[str, str]) -> None:
    class Two(OnRay):
        arguments = ("serve", "--ray", "--replicas", "2")

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
