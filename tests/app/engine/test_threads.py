"""Threads follow the quota of control groups v2 and v1, and the affinity."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.engine.threads import cgroup_quota, choose_threads


def group(root: Path, name: str, **files: str) -> None:
    directory = root / name
    directory.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (directory / file.replace("__", ".")).write_text(content + "\n", encoding="ascii")


def process(tmp_path: Path, *lines: str) -> Path:
    directory = tmp_path / "proc"
    directory.mkdir()
    (directory / "cgroup").write_text("\n".join(lines) + "\n", encoding="ascii")
    return directory


def test_the_setting_wins() -> None:
    assert choose_threads(7).threads == 7


def test_a_v2_quota_of_the_own_group_counts(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "pod/container", cpu__max="150000 100000")
    assert cgroup_quota(root, process(tmp_path, "0::/pod/container")) == 1.5


def test_the_tightest_quota_on_the_path_counts(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "pod", cpu__max="50000 100000")
    group(root, "pod/container", cpu__max="max 100000")
    assert cgroup_quota(root, process(tmp_path, "0::/pod/container")) == 0.5


def test_inside_a_container_the_root_is_the_own_group(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "", cpu__max="200000 100000")
    assert cgroup_quota(root, process(tmp_path, "0::/")) == 2


def test_a_v1_quota_counts(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "cpu/job", cpu__cfs_quota_us="300000", cpu__cfs_period_us="100000")
    assert cgroup_quota(root, process(tmp_path, "4:cpu,cpuacct:/job", "5:memory:/job")) == 3


def test_no_quota_is_no_limit(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    assert cgroup_quota(root, process(tmp_path, "0::/")) is None


def test_a_fraction_of_a_cpu_is_one_thread_and_the_reason_says_why(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "", cpu__max="50000 100000")
    choice = choose_threads(None, root, process(tmp_path, "0::/"))
    assert choice.threads == 1
    assert "0.5" in choice.reason


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux only")
def test_without_a_quota_the_affinity_decides(tmp_path: Path) -> None:
    choice = choose_threads(None, tmp_path, tmp_path)
    assert choice.threads == len(os.sched_getaffinity(0))
    assert "affinity" in choice.reason
