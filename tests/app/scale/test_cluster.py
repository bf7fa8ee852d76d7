"""What callers see of a cluster whose replicas and nodes are lost, and which grows and shrinks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.app.scale.cluster import (
    REPLICA_LIMIT_S,
    Callers,
    RayCluster,
    cluster,
    during,
)
from tests.app.scale.needs_ray import needs_ray
from tests.app.weights.hub_stand_in import COMMIT, REPOSITORY, running
from tests.chaos.client import PREDICT, Abandoned, Reply, item
from tests.chaos.service import Metrics, wait_until

pytestmark = [pytest.mark.slow, needs_ray]

CALLERS = 8


@pytest.fixture
def two(tiny_models: dict[str, str]) -> Iterator[RayCluster]:
    with cluster({"replicas": 2}, **tiny_models) as made:
        yield made


def check_only_calls_in_flight_failed(replies: list[Reply]) -> None:
    """Each caller has one call in flight, so no more than there are callers may have failed."""
    failed = [reply for reply in replies if reply.status != HTTPStatus.OK]
    assert len(failed) <= CALLERS, Counter(reply.status for reply in replies)
    for reply in failed:
        assert reply.is_problem(HTTPStatus.SERVICE_UNAVAILABLE), reply
        assert reply.retry_after >= 1
        assert reply.json["request_id"] == reply.headers["x-request-id"]


def test_a_replica_then_a_node_are_killed_under_load(two: RayCluster) -> None:
    replies = during(two.url, CALLERS, two.kill_replica)
    check_only_calls_in_flight_failed(replies)
    two.wait_for_replicas(2)  # Serve has replaced it
    assert two.call("/readyz").status == HTTPStatus.OK

    replies = during(two.url, CALLERS, two.kill_node)
    check_only_calls_in_flight_failed(replies)

    # No replica at all: the proxy keeps a call until its deadline, and no longer.
    two.kill_replica()
    late = two.call(PREDICT, item(1), X_Request_Timeout_Ms="500")
    assert late.is_problem(HTTPStatus.GATEWAY_TIMEOUT), late
    assert "no replica" in late.json["detail"]
    patient = two.call(PREDICT, item(1))
    assert patient.status == HTTPStatus.OK, "it waits for the replica that is started"


def test_a_caller_who_leaves_takes_its_item_out_of_the_queue(tiny_models: dict[str, str]) -> None:
    # An item that waits for others, so that there is something to leave.
    with cluster({"replicas": 1}, XCOPA_MAX_WAIT_MS="20000", **tiny_models) as made:

        def items(name: str) -> float:
            metrics = Metrics(made.call("/metrics").text)
            return metrics.value("xcopa_queue_items") if name == "queued" else metrics.items(name)

        left = Abandoned(made.url, item(1))
        wait_until(lambda: items("queued") == 1, "the item waits")
        left.leave()
        wait_until(lambda: items("cancelled") == 1, "it is cancelled")
        assert items("queued") == items("answered") == 0


def test_replicas_of_one_node_fetch_the_weights_once(tiny_direct: Path, tmp_path: Path) -> None:
    # Both nodes are on this machine, and have one cache.
    with running(tiny_direct) as (address, hub):
        settings = {
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path),
            "HF_HUB_DISABLE_XET": "1",
            "NO_PROXY": "*",
        }
        sources = {f"XCOPA_MODELS__{name}": REPOSITORY for name in ("DIRECT", "STILTS")}
        with cluster({"replicas": 2}, **settings, **sources) as made:
            assert made.call("/readyz").status == HTTPStatus.OK
        assert [path for path in hub.got if path.endswith("/model.safetensors")] == [
            f"/{REPOSITORY}/resolve/{COMMIT}/model.safetensors"
        ]


def test_a_staircase_of_callers_starts_a_second_replica_and_its_end_stops_it(
    tiny_models: dict[str, str],
) -> None:
    scale = {
        "replicas": 1,
        "max_replicas": 2,
        "upscale_delay_s": 0,
        "downscale_delay_s": 5,
        "look_back_s": 11,
        # Tiny models are never busy for long: the proxy takes more time than they do.
        "target_busy": 0.02,
    }
    soon = {
        "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
        "RAY_SERVE_HANDLE_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
    }
    with cluster(scale, **soon, **tiny_models) as made:
        assert len(made.replicas()) == 1
        crowds = [Callers(made.url, 1)]
        crowds[0].wait_for_answers(10)
        crowds.append(Callers(made.url, CALLERS))
        made.wait_for_replicas(2)
        crowds[1].wait_for_answers(10 * CALLERS)
        for crowd in reversed(crowds):
            assert {reply.status for reply in crowd.stop()} == {HTTPStatus.OK}
        wait_until(lambda: len(made.replicas()) == 1, "one replica again", REPLICA_LIMIT_S)
        assert made.call(PREDICT, item(1)).status == HTTPStatus.OK
