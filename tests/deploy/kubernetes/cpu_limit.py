"""The CPU limit of a container as kubelet sets it: a quota of a control group."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PERIOD_US = 100_000
"""Kubelet's, unless it is told otherwise (``cpuCFSQuotaPeriod``)."""

V1 = Path("/sys/fs/cgroup/cpu")
V2 = Path("/sys/fs/cgroup")


def quota_files(cores: float, version: int) -> dict[str, str]:
    """Return the files of a control group and what kubelet writes into them."""
    quota = round(cores * PERIOD_US)
    if version == 1:
        return {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota)}
    return {"cpu.max": f"{quota} {PERIOD_US}"}


@contextmanager
def cpu_limit(cores: float) -> Iterator[Path | None]:
    """Yield the file that takes the number of a process which is to be limited.

    None where this user, or this system, may make no control group.
    """
    group = _made(cores)
    try:
        yield None if group is None else group / "cgroup.procs"
    finally:
        if group is not None:
            group.rmdir()


def _made(cores: float) -> Path | None:
    version, root = (1, V1) if (V1 / "cpu.cfs_quota_us").exists() else (2, V2)
    group = root / f"xcopa-test-{uuid.uuid4().hex}"
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        for name, text in quota_files(cores, version).items():
            (group / name).write_text(text, encoding="ascii")
    except OSError:  # no such controller here, or not for this user
        group.rmdir()
        return None
    return group
