"""Engines on machines whose memory is divided: each stays on the processors of one node.

Source: Linux, ``Documentation/ABI/stable/sysfs-devices-node``. A process gets its memory from the
node that it runs on, so what an engine writes in a pass stays near. Where Linux says nothing of
nodes, or has one, or engines do not fit into nodes, nothing is bound.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from app.engine.plan import EnginePlan
from app.engine.threads import read_text

NODES = Path("/sys/devices/system/node")

Cpus = frozenset[int]
"""The numbers of processors."""


def bind(plan: EnginePlan, number: int, root: Path | None = None) -> None:
    """Keep this thread, and those that it starts, on the node of an engine.

    Args:
        plan: how many engines there are.
        number: of the engine, from 0.
        root: where Linux describes the nodes; None is ``NODES``.
    """
    cpus = spread(plan, usable_nodes(root or NODES))[number]
    if cpus:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, cpus)


def usable_nodes(root: Path) -> list[Cpus]:
    """Return the processors of each node that this thread may run on; empty where nobody says."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    allowed = os.sched_getaffinity(0)
    folders = sorted(root.glob("node[0-9]*"), key=lambda folder: int(folder.name[4:] or 0))
    nodes = [_cpus(read_text(folder / "cpulist")) & allowed for folder in folders]
    return [node for node in nodes if node]


def _cpus(listed: str) -> Cpus:
    """Read a list such as ``0-3,8``."""
    ranges = re.findall(r"(\d+)(?:-(\d+))?", listed)
    return frozenset(
        cpu for first, last in ranges for cpu in range(int(first), int(last or first) + 1)
    )


def spread(plan: EnginePlan, nodes: Sequence[Cpus]) -> list[Cpus]:
    """Return the processors of each engine; empty sets where none is to be bound.

    A node gets engines by its share of the processors. No node gets more threads than it has
    processors: then the system balances them better than we do.
    """
    free: list[Cpus] = [frozenset()] * plan.engines
    if len(nodes) <= 1:
        return free
    by_cpu = [node for node in nodes for _ in node]
    places = [by_cpu[(2 * n + 1) * len(by_cpu) // (2 * plan.engines)] for n in range(plan.engines)]
    fits = all(places.count(node) * plan.threads <= len(node) for node in nodes)
    return places if fits else free
