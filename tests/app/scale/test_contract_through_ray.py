"""The HTTP contract of the service, through Serve's proxy: the tests of ``tests/e2e``, as they are.

They ask the ``client`` of this folder. And locust asks it what it asks any service.
"""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

from tests.conftest import ROOT
from tests.e2e.test_contract import *  # noqa: F403 - all of its tests, those to come too

pytestmark = pytest.mark.slow


def test_locust_drives_it(client: httpx.Client) -> None:
    host = str(client.base_url).rstrip("/")
    load = ("--headless", "--users", "4", "--spawn-rate", "4", "--run-time", "5s", "--host", host)
    command = [sys.executable, "-m", "locust", "-f", "loadtests/xcopa.py", *load]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
