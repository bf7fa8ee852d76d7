"""Callers as they are: some leave early, and locust asks without pause."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import ROOT
from tests.e2e.server import running

ITEM = {
    "premise": "The street lights went out.",
    "choice1": "A storm came.",
    "choice2": "It was noon.",
    "question": "cause",
}


def cancelled(client: httpx.Client) -> bool:
    return (
        'xcopa_items_total{model="direct",outcome="cancelled"} 1.0' in client.get("/metrics").text
    )


@pytest.mark.slow
def test_an_item_whose_caller_left_is_never_run(tiny_direct: Path, tiny_stilts: Path) -> None:
    settings = {
        "XCOPA_MODELS__DIRECT": str(tiny_direct),
        "XCOPA_MODELS__STILTS": str(tiny_stilts),
        "XCOPA_MAX_WAIT_MS": "20000",
    }
    with running(**settings) as client:
        address = urlsplit(str(client.base_url))
        body = json.dumps({**ITEM, "model": "direct"}).encode()
        head = (
            "POST /predict/xcopa HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((address.hostname or "", address.port or 0)) as caller:
            caller.sendall(head.encode() + body)
            time.sleep(0.5)
            assert 'xcopa_queue_items{model="direct"} 1.0' in client.get("/metrics").text
        limit = time.monotonic() + 10
        while not cancelled(client) and time.monotonic() < limit:
            time.sleep(0.05)
        assert cancelled(client)
        assert 'xcopa_queue_items{model="direct"} 0.0' in client.get("/metrics").text


def test_locust_drives_it_without_a_failure(tiny_client: httpx.Client) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", "loadtests/xcopa.py", "--headless"),
            *("-u", "8", "-r", "8", "-t", "3s", "--host", str(tiny_client.base_url)),
        ],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "XCOPA_DATA_DIR"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0(0.00%)" in done.stdout + done.stderr
