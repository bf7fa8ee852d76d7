"""Prometheus is told of every replica and of the proxy, and takes the configuration."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from loadtests.fleet.watch import scrape_config


def test_every_part_is_a_target() -> None:
    jobs = scrape_config([8001, 8002, 8003], 8404)["scrape_configs"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs}
    assert targets == {
        "xcopa": ["127.0.0.1:8001", "127.0.0.1:8002", "127.0.0.1:8003"],
        "haproxy": ["127.0.0.1:8404"],
    }


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(scrape_config([8001], 8404)), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "check", "config", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
