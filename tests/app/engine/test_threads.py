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
    (directory / "cgroup").write_bytes(os.fsencode("\n".join(lines) + "\n"))
    return directory


def test_the_setting_wins() -> None:
    choice = choose_threads(7)
    assert (choice.threads, choice.reason) == (7, "set by XCOPA_THREADS")


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
    assert cgroup_quota(root, process(tmp_path, "5:memory:/job", "4:cpu,cpuacct:/job")) == 3


def test_no_quota_is_no_limit(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    assert cgroup_quota(root, process(tmp_path, "0::/")) is None


def test_a_fraction_of_a_cpu_is_one_thread_and_the_reason_says_why(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "", cpu__max="50000 100000")
    choice = choose_threads(None, root, process(tmp_path, "0::/"))
    assert choice.threads == 1
    assert choice.reason == f"cgroup quota is 0.5 of {len(os.sched_getaffinity(0))} CPUs"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux only")
def test_without_a_quota_the_affinity_decides(tmp_path: Path) -> None:
    choice = choose_threads(None, tmp_path, tmp_path)
    own = len(os.sched_getaffinity(0))
    assert choice.threads == own
    assert choice.reason == f"CPU affinity allows {own}, no smaller cgroup quota"


def test_a_quota_of_all_cpus_that_affinity_allows_is_no_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    root = tmp_path / "cgroup"
    group(root, "", cpu__max="400000 100000")
    choice = choose_threads(None, root, process(tmp_path, "0::/"))
    assert choice.reason == "CPU affinity allows 4, no smaller cgroup quota"


@pytest.mark.parametrize(
    ("quota", "cpus", "threads"), [(2.0, 4, 2), (2.9, 4, 2), (4.0, 4, 4), (9.0, 4, 4), (0.2, 4, 1)]
)
def test_the_lesser_of_quota_and_affinity_counts_in_whole_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: float, cpus: int, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cpus)), raising=False)
    root = tmp_path / "cgroup"
    group(root, "", cpu__max=f"{round(quota * 100_000)} 100000")
    assert choose_threads(None, root, process(tmp_path, "0::/")).threads == threads


@pytest.mark.parametrize(("count", "threads"), [(6, 6), (None, 1)])
def test_where_affinity_is_unknown_the_processors_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int | None, threads: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert choose_threads(None, tmp_path, tmp_path).threads == threads


def test_a_v1_quota_of_the_root_counts_without_a_list_of_groups(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "cpu", cpu__cfs_quota_us="150000", cpu__cfs_period_us="100000")
    assert cgroup_quota(root, tmp_path / "gone") == 1.5


def test_a_group_may_have_a_colon_in_its_name(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "pod:a:b", cpu__max="150000 100000")
    assert cgroup_quota(root, process(tmp_path, "0::/pod:a:b")) == 1.5


@pytest.mark.parametrize("name", ["caf\u00e9", "caf\udce9", "a\u2028b"])
def test_a_group_may_have_any_name_that_a_folder_can_have(tmp_path: Path, name: str) -> None:
    """The start ended with an error where a name was not ASCII."""
    root = tmp_path / "cgroup"
    group(root, name, cpu__max="150000 100000")
    assert cgroup_quota(root, process(tmp_path, f"0::/{name}")) == 1.5


def test_a_quota_of_the_root_counts_for_a_group_that_cannot_be_seen_from_here(
    tmp_path: Path,
) -> None:
    """A container without a namespace of control groups of its own sees its host's path."""
    root = tmp_path / "cgroup"
    group(root, "", cpu__max="150000 100000")
    assert cgroup_quota(root, process(tmp_path, "0::/kubepods/pod1", "4:cpu:/job")) == 1.5


def test_groups_of_other_controllers_say_nothing(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "cpu/job", cpu__cfs_quota_us="300000", cpu__cfs_period_us="100000")
    assert cgroup_quota(root, process(tmp_path, "5:memory:/job", "6:cpuset:/job")) is None


def test_a_v1_quota_on_the_way_up_counts(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "cpu/pod", cpu__cfs_quota_us="50000", cpu__cfs_period_us="100000")
    group(root, "cpu/pod/job", cpu__cfs_quota_us="300000", cpu__cfs_period_us="100000")
    assert cgroup_quota(root, process(tmp_path, "4:cpu:/pod/job")) == 0.5


def test_a_quota_without_its_period_is_none(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    group(root, "", cpu__max="150000")
    group(root, "cpu", cpu__cfs_quota_us="150000")
    assert cgroup_quota(root, process(tmp_path, "0::/")) is None
