"""How much memory may still be taken: what the machine has left, and what the container has.

Sources: proc(5), ``MemAvailable`` and ``smaps_rollup``; Linux control groups v2 (``memory.max``,
``memory.current``) and v1 (``memory.limit_in_bytes``, ``memory.usage_in_bytes``), and
``memory.stat`` of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from app.engine.threads import CGROUP_ROOT, cgroup_directories, read_text

MEMORY_INFO = Path("/proc/meminfo")

_FILES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
"""Of a control group: the limit, and what is used of it."""

_STAT = "memory.stat"
_CACHED = ("inactive_file", "total_inactive_file")
"""Of what is used, pages of files that the system drops when somebody needs the memory; the second
is that of a group with those below it, in v1."""


def free_memory(
    memory_info: Path = MEMORY_INFO,
    cgroup_root: Path = CGROUP_ROOT,
    process: Path = Path("/proc/self"),
) -> int | None:
    """Return the bytes that may still be taken, or None where nobody says."""
    groups = cgroup_directories(cgroup_root, process, "memory")
    left = [_left(group, limit, used) for group in groups for limit, used in _FILES]
    return min(
        (each for each in (_of_machine(memory_info), *left) if each is not None), default=None
    )


def _of_machine(memory_info: Path) -> int | None:
    for line in read_text(memory_info).splitlines():
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            return 1024 * int(amount.removesuffix("kB"))
    return None


def _left(group: Path, limit: str, used: str) -> int | None:
    most, taken = read_text(group / limit), read_text(group / used)
    if not most.isdigit() or not taken.isdigit():
        return None
    return max(0, int(most) - max(0, int(taken) - _droppable(group)))


def _droppable(group: Path) -> int:
    found = dict(line.split() for line in read_text(group / _STAT).splitlines())
    return max(int(found.get(name, 0)) for name in _CACHED)


def memory_of(processes: Iterable[int]) -> int:
    """Return the bytes that processes have in memory; what they share is counted once.

    A process that has ended, or that may not be looked at, has none.
    """
    return sum(map(_proportional, processes))


def _proportional(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    found = (line.split() for line in lines)
    return next((1024 * int(words[1]) for words in found if words[0] == "Pss:"), 0)
