"""Clients of other languages, as they come, read answers and refusals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.raw import ITEM

LIMIT_S = 60

NODE = """
const [url, item] = process.argv.slice(1);
const headers = {"content-type": "application/json"};
const large = Buffer.alloc(20 * 2 ** 20, 120);
(async () => {
  for (const body of [item, large, item, new Blob([item]).stream()]) {
    const answer = await fetch(url, {method: "POST", body, headers, duplex: "half"});
    await answer.json();
    console.log(answer.status);
  }
})().catch((error) => console.log("failed", error.cause));
"""

# In a process of its own: it leaves connections that were closed under it to the collector.
AIOHTTP = """
import aiohttp, asyncio, io, sys

async def main(url, item):
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession() as session:
        for body in (item.encode(), bytes(20 * 2**20), item.encode(), bytes(20 * 2**20)):
            async with session.post(url, data=io.BytesIO(body), headers=headers) as answer:
                await answer.json(content_type=None)
                print(answer.status)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def predict_url(tiny_url: str) -> str:
    return f"{tiny_url}/predict/xcopa"


def printed(program: str, *arguments: str) -> list[str]:
    """The lines that a program prints, or a skip where it is not installed."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [found, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env={**os.environ, "NODE_OPTIONS": "", "JAVA_TOOL_OPTIONS": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def test_java_s_client_is_answered_though_it_offers_http2(predict_url: str) -> None:
    """Each of its calls came without its body, and was refused."""
    source = str(Path(__file__).with_name("Ask.java"))
    assert printed("java", source, predict_url, json.dumps(ITEM)) == ["200"] * 6 + ["413"]


def test_node_s_fetch_is_answered(predict_url: str) -> None:
    statuses = printed("node", "--eval", NODE, predict_url, json.dumps(ITEM))
    assert statuses == ["200", "413", "200", "200"]


def test_aiohttp_reads_that_its_body_is_too_large(predict_url: str) -> None:
    pytest.importorskip("aiohttp")
    statuses = printed(sys.executable, "-c", AIOHTTP, predict_url, json.dumps(ITEM))
    assert statuses == ["200", "413", "200", "413"]
