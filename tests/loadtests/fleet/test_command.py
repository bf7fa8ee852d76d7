"""A small real run: three services with tiny models, HAProxy and Prometheus."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.fleet.phases import HAPPENINGS
from tests.conftest import ROOT

needed = [name for name in ("haproxy", "prometheus") if shutil.which(name) is None]


@pytest.mark.slow
@pytest.mark.skipif(bool(needed), reason=f"not installed: {needed}")
def test_a_small_run(tiny_direct: Path, tiny_stilts: Path, tmp_path: Path) -> None:
    own = {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}
    command = [sys.executable, "-m", "loadtests.fleet", "--seconds", "2", "--rate", "20"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    # 1: the time of a call on a machine with other work is not what this test is about.
    assert done.returncode in (0, 1), done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    phases = {each["name"]: each for each in report["phases"]}
    assert list(phases) == list(HAPPENINGS)
    for name in ("steady", "drained", "rolling"):
        assert set(phases[name]["statuses"]) == {"200"}, phases[name]
    for name in ("killed", "stuck"):
        assert phases[name]["failed"] <= phases[name]["held"]
    assert phases["steady"]["least_ready"] == 3
    assert phases["killed"]["least_ready"] < 3
    assert (tmp_path / "report.html").exists()
    difference = report["results"][-1]
    assert difference["value"] <= 1e-4


def test_a_wrong_option_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.fleet", "--load", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--load" in done.stderr
