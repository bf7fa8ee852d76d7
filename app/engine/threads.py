"""How many threads a forward pass may use: the CPU quota, not the number of cores.

A container that may use two cores of a host with 64 must not start 64 threads, because the kernel
would throttle all of them. Sources: Linux control groups v2 (``cpu.max``) and v1
(``cpu.cfs_quota_us``), and the scheduling affinity of the process.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")


MOST_SINGLE_LANES = 7
"""Up to so many threads have a lane each. Lanes take turns at Python's lock between two operators,
so beyond that there are fewer lanes, of several threads."""


@dataclass(frozen=True)
class LanePlan:
    """How many lanes, and how many threads work together in each."""

    lanes: int
    threads_a_lane: int

    @classmethod
    def of(cls, threads: int) -> LanePlan:
        """Share out threads evenly, leaving as few out as can be."""
        if threads <= MOST_SINGLE_LANES:
            return cls(threads, 1)
        lanes = max((2, 3, 4), key=lambda count: (count * (threads // count), count))
        return cls(lanes, threads // lanes)


ONE_LANE = LanePlan(1, 1)


@dataclass(frozen=True)
class ThreadChoice:
    """A number of threads and the reason for it, as the log states it."""

    threads: int
    reason: str


def choose_threads(
    setting: int | None, cgroup_root: Path = CGROUP_ROOT, process: Path = Path("/proc/self")
) -> ThreadChoice:
    """Return the setting when there is one, else the lesser of cgroup quota and affinity."""
    if setting is not None:
        return ThreadChoice(setting, "set by XCOPA_THREADS")
    available = _affinity()
    quota = cgroup_quota(cgroup_root, process)
    if quota is None or quota >= available:
        return ThreadChoice(available, f"CPU affinity allows {available}, no smaller cgroup quota")
    return ThreadChoice(max(1, int(quota)), f"cgroup quota is {quota:g} of {available} CPUs")


def cgroup_quota(root: Path, process: Path) -> float | None:
    """Return the smallest CPU quota on the process's path through its control groups, or None."""
    quotas = [
        quota
        for directory in _cgroup_directories(root, process)
        for quota in (_quota_v2(directory), _quota_v1(directory))
        if quota is not None
    ]
    return min(quotas, default=None)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cgroup_directories(root: Path, process: Path) -> list[Path]:
    """List the groups of the process, from its own up to the root, for v2 and v1's cpu."""
    directories = [root, root / "cpu"]
    for line in filter(None, _read(process / "cgroup").split("\n")):
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / "cpu" if controllers else root
        group = top / path.removeprefix("/")
        directories += [group, *(parent for parent in group.parents if top in parent.parents)]
    return directories


def _quota_v2(directory: Path) -> float | None:
    quota, _, period = _read(directory / "cpu.max").partition(" ")
    if not period or quota == "max":
        return None
    return int(quota) / int(period)


def _quota_v1(directory: Path) -> float | None:
    quota, period = _read(directory / "cpu.cfs_quota_us"), _read(directory / "cpu.cfs_period_us")
    if not quota or not period or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        # A group may have any name that a folder can have.
        return os.fsdecode(path.read_bytes()).strip()
    except OSError:
        return ""
