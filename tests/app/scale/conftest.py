"""Clusters, each shared by the tests that ask the same one things."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog


@pytest.fixture(autouse=True)
def log_of_a_replica() -> Iterator[None]:
    """A replica sets up the log of its process, which is here that of all tests."""
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, threading.excepthook
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    threading.excepthook = hook
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def tiny_models(tiny_direct: Path, tiny_stilts: Path) -> dict[str, str]:
    """Settings for models that load in no time."""
    return {"XCOPA_MODELS__DIRECT": str(tiny_direct), "XCOPA_MODELS__STILTS": str(tiny_stilts)}


@pytest.fixture(scope="module")
def client(embedded_base: Path) -> Iterator[httpx.Client]:
    """A client of the shipped models behind Serve's proxy."""
    pytest.importorskip("ray", reason="not run: pip install 'xcopa-service[ray]' brings Ray")
    from tests.app.scale.cluster import cluster  # noqa: PLC0415 - only where there is Ray

    with cluster({"replicas": 1}) as made, httpx.Client(base_url=made.url, timeout=60) as client:
        yield client
