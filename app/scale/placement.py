"""What a replica reserves of a node: a GPU, or the processors that its engines compute on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.threads import choose_threads
from app.errors import StartError
from app.settings import Settings

BESIDE_A_GPU = 2.0
"""Processors of a replica whose engines compute on a GPU: for HTTP, tokenising and batches."""


@dataclass(frozen=True)
class Placement:
    """What Ray is to reserve for each replica."""

    cores: float
    gpus: int

    @property
    def threads(self) -> int | None:
        """Threads that compute; None on a GPU. Ray counts processors, it does not confine."""
        return None if self.gpus else max(1, math.floor(self.cores))

    @property
    def actor_options(self) -> dict[str, Any]:
        """The ``ray_actor_options`` of the deployment."""
        options: dict[str, Any] = {"num_cpus": self.cores}
        return {**options, "num_gpus": self.gpus} if self.gpus else options


def placement(
    settings: Settings,
    cores: float | None,
    nodes: Sequence[Mapping[str, float]],
    beside: int = 1,
) -> Placement:
    """Return what a replica with these settings reserves.

    Without a number of processors it takes those of the smallest node that has any, so that each
    node holds a replica; or its part of them, where a node is to hold several.

    Args:
        settings: those of the replicas.
        cores: processors, if they are given.
        nodes: what each node of the cluster has, as Ray counts it (``CPU``, ``GPU``).
        beside: replicas that share a node.

    Raises:
        StartError: the settings and the options, or the cluster, do not fit each other.
    """
    gpus = any(node.get("GPU") for node in nodes)
    if settings.device == "cuda" and not gpus:
        raise StartError(
            "XCOPA_DEVICE is cuda, but no node of the cluster has a GPU; set it to auto or cpu, or "
            "start nodes with --num-gpus"
        )
    if settings.device != "cpu" and gpus:
        return Placement(BESIDE_A_GPU if cores is None else cores, 1)
    if cores is not None and settings.threads is not None and cores < settings.threads:
        raise StartError(
            f"cores is {cores:g}, fewer than XCOPA_THREADS ({settings.threads}); leave one out"
        )
    return Placement(cores or float(settings.threads or _part(_of_a_node(nodes), beside)), 0)


def refuse_more_than_there_is(placed: Placement, replicas: int, node: Mapping[str, float]) -> None:
    """Refuse replicas that would wait for room for ever, where no other node can come.

    Raises:
        StartError: the node has too few processors or GPUs for them.
    """
    for name, each in (("CPU", placed.cores), ("GPU", placed.gpus)):
        there = node.get(name, 0.0)
        if replicas * each > there:
            raise StartError(
                f"{replicas} replicas with {each:g} {name} each do not fit on this machine, which "
                f"has {there:g}; ask for fewer replicas, or leave out XCOPA_THREADS"
            )


def _part(processors: float, replicas: int) -> float:
    """Return a replica's part: whole processors, as threads are, unless there are too few."""
    return float(processors // replicas) or processors / replicas


def _of_a_node(nodes: Sequence[Mapping[str, float]]) -> float:
    processors = [float(node["CPU"]) for node in nodes if node.get("CPU")]
    # Where nodes come when they are wanted there may be none yet: they are taken to be like this.
    return min(processors, default=float(choose_threads(None).threads))
