"""Real services that are shared by the tests that only ask them things.

Each costs some seconds of both cores to start, so a test has one of its own only where its settings
differ, and the shipped models only where their answers matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.certificates import Authority
from tests.e2e.server import ServerProcess, running


@pytest.fixture(scope="session")
def client(embedded_base: Path) -> Iterator[httpx.Client]:
    with running() as made:
        yield made


@pytest.fixture(scope="session")
def tiny_url(tiny_direct: Path, tiny_stilts: Path) -> Iterator[str]:
    """The address of a real service with tiny models, for what is about HTTP alone."""
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
    }
    with ServerProcess(**settings) as server:
        yield server.wait_until_ready().url


@pytest.fixture(scope="session")
def tiny_client(tiny_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=tiny_url, timeout=60) as made:
        yield made


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))
