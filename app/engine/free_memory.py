"""How much memory may still be taken: what the machine has left, and what the container has.

Sources: proc(5), ``MemAvailable``; Linux control groups v2 (``memory.max``, ``memory.current``) and
v1 (``memory.limit_in_bytes``, ``memory.usage_in_bytes``).
"""

from __future__ import annotations

from pathlib import Path

from app.engine.threads import CGROUP_ROOT, cgroup_directories, read_text

MEMORY_INFO = Path("/proc/meminfo")

_FILES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
"""Of a control group: the limit, and what is used of it."""


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
    return max(0, int(most) - int(taken)) if most.isdigit() and taken.isdigit() else None
