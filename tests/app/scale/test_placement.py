"""What a replica reserves of a node."""

from __future__ import annotations

import pytest

from app.engine.threads import choose_threads
from app.errors import StartError
from app.scale.placement import (
    BESIDE_A_GPU,
    Placement,
    placement,
    refuse_more_than_there_is,
)
from app.settings import Settings

CPUS = [{"CPU": 8.0}]
GPUS = [{"CPU": 4.0}, {"CPU": 8.0, "GPU": 2.0}]


def test_on_processors_it_reserves_the_threads_that_compute() -> None:
    placed = placement(Settings(threads=3), None, CPUS)
    assert placed.actor_options == {"num_cpus": 3.0}
    assert placed.threads == 3


def test_without_a_number_it_takes_the_processors_of_the_smallest_node_that_has_any() -> None:
    placed = placement(Settings(), None, [{"CPU": 0.0}, {"CPU": 8.0}, {"CPU": 4.0}, {}])
    assert placed.threads == placed.cores == 4


def test_nodes_that_are_not_there_yet_are_taken_to_be_like_this_machine() -> None:
    assert placement(Settings(), None, []).threads == choose_threads(None).threads


def test_cores_are_the_threads_of_a_replica() -> None:
    assert placement(Settings(), 2.5, CPUS) == Placement(2.5, 0)
    assert Placement(2.5, 0).threads == 2
    assert Placement(0.5, 0).threads == 1


def test_a_processor_is_used_where_a_cluster_has_gpus_that_nobody_asked_for() -> None:
    assert placement(Settings(threads=1), None, GPUS).actor_options == {"num_cpus": 1.0}


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_on_gpus_it_reserves_one(device: str) -> None:
    placed = placement(Settings.model_validate({"device": device}), None, GPUS)
    assert placed.actor_options == {"num_cpus": BESIDE_A_GPU, "num_gpus": 1}
    assert placed.threads is None


def test_a_gpu_that_no_node_has_is_refused_before_anything_starts() -> None:
    with pytest.raises(StartError, match="XCOPA_DEVICE is cuda, but no node"):
        placement(Settings(device="cuda"), None, CPUS)


def test_fewer_cores_than_threads_are_refused() -> None:
    with pytest.raises(StartError, match=r"cores is 2, fewer than XCOPA_THREADS \(4\)"):
        placement(Settings(threads=4), 2.0, CPUS)


@pytest.mark.parametrize(("replicas", "cores"), [(1, 8.0), (2, 4.0), (3, 2.0), (16, 0.5)])
def test_replicas_that_share_a_node_share_its_processors(replicas: int, cores: float) -> None:
    placed = placement(Settings(), None, CPUS, beside=replicas)
    assert placed.cores == cores
    refuse_more_than_there_is(placed, replicas, CPUS[0])


@pytest.mark.parametrize(
    ("placed", "reason"),
    [
        (Placement(3.0, 0), "3 replicas with 3 CPU each do not fit on this machine, which has 8"),
        (Placement(2.0, 1), "3 replicas with 1 GPU each do not fit on this machine, which has 2"),
    ],
)
def test_replicas_that_would_wait_for_room_for_ever_are_refused(
    placed: Placement, reason: str
) -> None:
    with pytest.raises(StartError, match=reason):
        refuse_more_than_there_is(placed, 3, GPUS[1])
