"""How much memory may still be taken: the least of what the machine and the container have left."""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path

import pytest

from app.engine.free_memory import free_memory, memory_of

KIB, MIB = 1 << 10, 1 << 20


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with 64 MiB left, and a process in the group ``pod``."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 999999 kB\nMemAvailable:  {64 * KIB} kB\n")
    (tmp_path / "self").mkdir()
    (tmp_path / "self/cgroup").write_text("4:memory:/pod\n0::/pod\n")
    return tmp_path


def group(machine: Path, name: str, **files: str) -> None:
    folder = machine / "groups" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / file.replace("__", ".")).write_text(content + "\n")


def free(machine: Path) -> int | None:
    return free_memory(machine / "meminfo", machine / "groups", machine / "self")


def test_without_a_limit_it_is_the_machine_s(machine: Path) -> None:
    assert free(machine) == 64 * MIB
    group(machine, "pod", memory__max="max", memory__current="1000")
    assert free(machine) == 64 * MIB


def test_a_v2_limit_counts_less_what_is_used_of_it(machine: Path) -> None:
    group(machine, "pod", memory__max=str(40 * MIB), memory__current=str(10 * MIB))
    assert free(machine) == 30 * MIB
    group(machine, "pod", memory__current=str(50 * MIB))
    assert free(machine) == 0


def test_a_v1_limit_counts_less_what_is_used_of_it(machine: Path) -> None:
    files = {"memory__limit_in_bytes": str(9 * MIB), "memory__usage_in_bytes": str(2 * MIB)}
    group(machine, "memory/pod", **files)
    assert free(machine) == 7 * MIB


def test_where_nobody_says_nothing_is_known(tmp_path: Path) -> None:
    assert free_memory(tmp_path / "no", tmp_path / "none", tmp_path / "nowhere") is None


def test_pages_of_files_that_the_system_would_drop_are_free(machine: Path) -> None:
    files = {"memory__max": str(40 * MIB), "memory__current": str(30 * MIB)}
    stat = f"anon 1\ninactive_file {12 * MIB}\nactive_file {5 * MIB}"
    group(machine, "pod", **files, memory__stat=stat)
    assert free(machine) == 22 * MIB
    v1 = {"memory__limit_in_bytes": str(9 * MIB), "memory__usage_in_bytes": str(8 * MIB)}
    group(machine, "memory/pod", **v1, memory__stat=f"total_inactive_file {3 * MIB}")
    assert free(machine) == 4 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says it in /proc")
def test_memory_of_processes_is_what_they_have_and_nothing_of_one_that_is_gone() -> None:
    before = memory_of([os.getpid()])
    # Not from the heap: it may have as much that was freed.
    with mmap.mmap(-1, 64 * MIB) as held:
        held.write(b"1" * (64 * MIB))
        assert memory_of([os.getpid()]) - before > 48 * MIB
    assert memory_of([1 << 30]) == 0
