"""One real service with the shipped models, shared by the tests that only ask it things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import running


@pytest.fixture(scope="session")
def client(embedded_base: Path) -> Iterator[httpx.Client]:
    with running() as made:
        yield made
