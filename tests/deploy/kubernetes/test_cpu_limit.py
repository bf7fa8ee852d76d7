"""The limit of a container becomes the quota that the service reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from app.engine.threads import cgroup_quota
from tests.deploy.kubernetes.cpu_limit import cpu_limit, quota_files


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("cores", [0.5, 1, 2, 16])
def test_the_service_reads_what_kubelet_writes(tmp_path: Path, version: int, cores: float) -> None:
    folder = tmp_path / "cpu" if version == 1 else tmp_path
    folder.mkdir(exist_ok=True)
    for name, text in quota_files(cores, version).items():
        (folder / name).write_text(text, encoding="ascii")
    assert cgroup_quota(tmp_path, tmp_path / "no process") == cores


def test_a_process_that_joins_has_the_quota_until_the_group_is_gone() -> None:
    with cpu_limit(0.5) as processes:
        if processes is None:
            pytest.skip("this user may make no control group")
        command = 'echo $$ > "$0" && cat /proc/$$/cgroup'
        done = subprocess.run(
            ["/bin/sh", "-c", command, str(processes)], capture_output=True, text=True, check=True
        )
        assert processes.parent.name in done.stdout
    assert not processes.parent.exists()
