"""A real fleet with tiny models answers who asks its proxy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.fleet.fleet import FleetKey, running_fleet
from tests.conftest import ROOT

needed = [name for name in ("haproxy", "prometheus") if shutil.which(name) is None]


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_settings")
@pytest.mark.skipif(bool(needed), reason=f"not installed: {needed}")
def test_locust_asks_the_fleet_through_its_proxy_and_finds_every_answer_sound(
    tmp_path: Path,
) -> None:
    """The same logits from each replica: Locust remembers them."""
    key = FleetKey.drawn(tmp_path)
    command = ["-m", "locust", "-f", "loadtests/xcopa.py", "--headless", "-u", "11", "-r", "11"]
    with running_fleet(key, tmp_path) as fleet:
        done = subprocess.run(
            [
                sys.executable,
                *command,
                "-t",
                "5s",
                "--host",
                f"http://127.0.0.1:{fleet.proxy.port}",
            ],
            cwd=ROOT,
            env={**os.environ, "XCOPA_API_KEY": key.key},
            capture_output=True,
            text=True,
            check=False,
        )
        given = [fleet.proxy.given(each.name) for each in fleet.replicas]
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(given), given
