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
        for directory in cgroup_directories(root, process, "cpu")
        for quota in (_quota_v2(directory), _quota_v1(directory))
        if quota is not None
    ]
    return min(quotas, default=None)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cgroup_directories(root: Path, process: Path, controller: str) -> list[Path]:
    """List the groups of a process, from its own up to the root, for v2 and one of v1.

    Args:
        root: where control groups are mounted.
        process: its folder in ``/proc``.
        controller: of v1, as ``cpu``.
    """
    directories = [root, root / controller]
    for line in filter(None, read_text(process / "cgroup").split("\n")):
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else root
        group = top / path.removeprefix("/")
        directories += [group, *(parent for parent in group.parents if top in parent.parents)]
    return directories


def _quota_v2(directory: Path) -> float | None:
    quota, _, period = read_text(directory / "cpu.max").partition(" ")
    if not period or quota == "max":
        return None
    return int(quota) / int(period)


def _quota_v1(directory: Path) -> float | None:
    quota, period = (
        read_text(directory / "cpu.cfs_quota_us"),
        read_text(directory / "cpu.cfs_period_us"),
    )
    if not quota or not period or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def read_text(path: Path) -> str:
    """Return what the system says in a file, without white space around it; "" without one."""
    try:
        # A group may have any name that a folder can have.
        return os.fsdecode(path.read_bytes()).strip()
    except OSError:
        return ""
