"""How many replicas a load needs, by what waits and by how busy the engines are.

Serve's controller runs this class on its own: it is sent there as it stands here, and the module
imports nothing of this project.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

QUEUE_SECONDS = "queue_seconds"
"""A replica's figure: estimated seconds of its engines that wait in its queue."""

BUSY = "busy"
"""A replica's figure: the share of the last seconds in which its engines were at work, 0 to 1."""

_ROUNDING = 1e-6


class PolicyContext(Protocol):
    """What this reads of ``ray.serve.config.AutoscalingContext``."""

    @property
    def current_num_replicas(self) -> int: ...
    @property
    def target_num_replicas(self) -> int: ...
    @property
    def aggregated_metrics(self) -> Mapping[str, Mapping[Any, float]] | None: ...


class QueuePolicy:
    """Asks for as many replicas as the work needs that comes, and that waits.

    The engines of all replicas are busy for ``b`` replicas' time a second; so that each is busy
    for ``target_busy`` of it, ``b / target_busy`` are needed. What waits is ``q`` seconds of one
    replica; ``q / drain_queue_s`` more work it off in that time. A load that is too high shows in
    the queue first, and a low one only in the busy time: the queue is empty from half load on.

    Args:
        target_busy: above 0, 1 at most.
        drain_queue_s: seconds.
    """

    def __init__(self, target_busy: float, drain_queue_s: float) -> None:
        self.target_busy = target_busy
        self.drain_queue_s = drain_queue_s

    def __call__(self, seen: PolicyContext) -> tuple[int, dict[str, Any]]:
        """Return the wanted number of replicas, and no state; Serve applies delays and bounds."""
        figures = seen.aggregated_metrics or {}
        busy = figures.get(BUSY, {})
        if not busy:  # no replica has said anything yet
            return seen.target_num_replicas, {}
        waiting = sum(figures.get(QUEUE_SECONDS, {}).values())
        needed = sum(busy.values()) / self.target_busy + waiting / self.drain_queue_s
        wanted = max(1, math.ceil(needed - _ROUNDING))
        if seen.current_num_replicas < seen.target_num_replicas:
            # Some are starting, which takes long. Until they take their share the others look as
            # if even more were needed.
            wanted = min(wanted, seen.target_num_replicas)
        return wanted, {}
