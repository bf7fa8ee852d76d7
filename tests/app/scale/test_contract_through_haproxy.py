"""The HTTP contract of the service, through Serve's HAProxy: the tests of ``tests/e2e``.

What differs when a replica dies is in ``docs/how-to/ray.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.app.scale.needs_ray import needs_ray
from tests.e2e.test_contract import *  # noqa: F403 - all of its tests, those to come too

pytestmark = [pytest.mark.slow, needs_ray]


@pytest.fixture(scope="module")
def client(embedded_base: Path) -> Iterator[httpx.Client]:
    """A client of the shipped models behind Serve's HAProxy."""
    from tests.app.scale.cluster import cluster  # noqa: PLC0415 - only where there is Ray

    wanted = {"RAY_SERVE_ENABLE_HA_PROXY": "1"}
    with (
        cluster({"replicas": 1}, **wanted) as made,
        httpx.Client(base_url=made.url, timeout=60) as client,
    ):
        yield client


def test_it_is_haproxy_that_answers(client: httpx.Client) -> None:
    listening = {
        psutil.Process(each.pid).name()
        for each in psutil.net_connections("tcp")
        if each.pid
        and each.status == psutil.CONN_LISTEN
        and each.laddr
        and each.laddr.port == client.base_url.port
    }
    assert listening == {"haproxy"}
