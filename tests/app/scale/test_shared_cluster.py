"""The command on a cluster that others use too, an update there, and a node that ends in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.app.scale.cluster import (
    REPLICA_LIMIT_S,
    START_LIMIT_S,
    Callers,
    OnRay,
    Two,
    during,
    free_port,
)
from tests.app.scale.needs_ray import needs_ray
from tests.app.scale.shared_cluster import Again, SharedCluster
from tests.chaos.client import PREDICT, Reply, call, item

pytestmark = [pytest.mark.slow, needs_ray]

CALLERS = 2


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedCluster]:
    made = SharedCluster()
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def settings(shared: SharedCluster, tiny_models: dict[str, str]) -> dict[str, str]:
    return {
        "XCOPA_PORT": str(free_port()),
        "XCOPA_ENGINES": "0",
        **shared.environment,
        **tiny_models,
    }


def end(command: OnRay) -> None:
    """Have it take the service away, so that the next test finds the cluster as it was."""
    command.terminate()
    assert command.process.wait(REPLICA_LIMIT_S) == 0


def check_none_was_lost(replies: list[Reply]) -> None:
    assert Counter(reply.status for reply in replies).keys() == {HTTPStatus.OK}


def test_what_cannot_start_is_not_left_on_the_cluster(settings: dict[str, str]) -> None:
    with OnRay(**{**settings, "XCOPA_MODELS__DIRECT": "/nowhere"}) as failing:
        reason = failing.wait_for_line(r"^xcopa cannot start: (.+)", START_LIMIT_S).group(1)
        assert reason.startswith("XCOPA_MODELS__DIRECT: ")
        assert failing.exit_status() == 1
    # Were it left, this one would find it; and Serve, were it left, the port of the other one.
    with OnRay(**settings, HF_TOKEN="hf_secret") as command:
        command.wait_for_line("HF_TOKEN: not passed on to the replicas")
        command.wait_until_ready()
        assert call(command.url, PREDICT, item(1)).status == HTTPStatus.OK
        end(command)


def test_a_second_service_is_refused_and_the_first_one_goes_on(settings: dict[str, str]) -> None:
    with OnRay(**settings) as first:
        first.wait_until_ready()
        with OnRay(**settings) as second:
            second.wait_for_line("xcopa cannot start: RAY_ADDRESS: an application named xcopa is")
            assert second.exit_status() == 1
        assert call(first.url, PREDICT, item(1)).status == HTTPStatus.OK
        end(first)


def test_an_update_loses_no_call_and_waits_for_room_while_the_old_replica_serves(
    shared: SharedCluster, settings: dict[str, str]
) -> None:
    with OnRay(**settings) as command:
        command.wait_until_ready()
        callers = Callers(command.url, CALLERS)
        with Again(**settings) as update:
            update.wait_for_line(r"DEPLOYING: RUNNING 1, STARTING 1")
            callers.wait_for_answers(20 * CALLERS)
            check_none_was_lost(callers.stop())
            assert not [line for line in update.output if "STOPPING" in line]
            with shared.worker():
                callers = Callers(command.url, CALLERS)
                update.wait_for_line("all are new", REPLICA_LIMIT_S)
                callers.wait_for_answers(5 * CALLERS)
                check_none_was_lost(callers.stop())
                end(command)


def test_a_node_that_is_told_to_stop_moves_its_replica_and_loses_no_call(
    shared: SharedCluster, settings: dict[str, str]
) -> None:
    with shared.worker(drains_s=100) as leaving, Two(**settings) as command:
        command.wait_until_ready()  # a replica on each worker
        with shared.worker():

            def leave() -> None:
                leaving.terminate()
                leaving.process.wait(REPLICA_LIMIT_S)

            check_none_was_lost(during(command.url, CALLERS, leave))
            assert not [line for line in leaving.output if "did not finish draining" in line]
            end(command)
