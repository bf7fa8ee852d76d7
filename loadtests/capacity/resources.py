"""Which resource was used up while a load ran."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from loadtests.scrape import Totals, grown, scrape
from loadtests.target import TargetService

ENGINES, FRONT, GENERATOR, PROCESSORS, OTHERS = (
    "engines",
    "the process that speaks HTTP",
    "the load generator",
    "processors",
    "other programs",
)
USED_UP = 0.85
"""A share of a resource from which on it is the limit: queues before it grow without end."""

DISTURBING = 0.1
"""The share of the processors that other programs may take."""

_LATE_SHARE = 0.1


@dataclass(frozen=True)
class UsageReading:
    """What had been used by a moment."""

    at: float
    service: Totals
    generator: float
    """Processor seconds of this process."""
    machine: float | None
    """Processor seconds of all programs of this machine; None if the service is on another."""
    server: float | None
    """Those of the service with its engines; None if they are not ours to read."""


def read_usage(service: TargetService) -> UsageReading:
    """Return what a service and this machine have used so far."""
    return UsageReading(
        at=time.monotonic(),
        service=scrape(service.url),
        generator=time.process_time(),
        machine=_machine() if service.is_here else None,
        server=None if service.process is None else _family(service.process),
    )


def _machine() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0) - times.guest)


def _family(process: psutil.Process) -> float:
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def usage(before: UsageReading, after: UsageReading, cores: int) -> dict[str, float]:
    """Return the share of each resource that was used between two readings.

    What could not be read is left out.
    """
    seconds = after.at - before.at
    engines = after.service.get("xcopa_engines_planned", 0)
    found = {GENERATOR: (after.generator - before.generator) / seconds}
    if engines:
        busy = grown(before.service, after.service, "xcopa_engine_busy_seconds_total")
        found[ENGINES] = busy / seconds / engines
        front = grown(before.service, after.service, "process_cpu_seconds_total")
        found[FRONT] = front / seconds
    if before.machine is not None and after.machine is not None:
        machine = after.machine - before.machine
        found[PROCESSORS] = machine / seconds / cores
        if before.server is not None and after.server is not None:
            ours = after.server - before.server + after.generator - before.generator
            found[OTHERS] = max(0.0, machine - ours) / seconds / cores
    return found


def limit_of(shares: Mapping[str, float], lag_s: float, bound_s: float) -> str:
    """Name the resource that was the limit, with its share.

    Args:
        shares: as ``usage`` returns them.
        lag_s: by how much 1 % of the requests were sent too late.
        bound_s: what the latency may be.
    """
    is_full = shares.get(PROCESSORS, 0) >= USED_UP
    own = shares.get(GENERATOR, 0)
    # A generator that is late because all processors are busy is not what keeps them busy.
    if own >= USED_UP or (lag_s > _LATE_SHARE * bound_s and not is_full):
        said = f"{own:.0%} of a core, {1000 * lag_s:.0f} ms late"
        return f"{GENERATOR} ({said}): the service may do more"
    candidates = {name: shares[name] for name in (ENGINES, FRONT) if name in shares}
    name = max(candidates, key=candidates.__getitem__, default="")
    if name and candidates[name] >= USED_UP:
        return f"{name} ({candidates[name]:.0%})"
    if is_full:
        return f"{PROCESSORS} ({shares[PROCESSORS]:.0%} of all cores)"
    if not candidates:
        return "not known: the service did not say"
    return f"none: the bound is near the time of a batch ({name} {candidates[name]:.0%})"
