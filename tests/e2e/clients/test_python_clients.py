"""Python's requests, httpx and aiohttp, each with connections that are kept."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp
import httpx
import pytest
import requests
from urllib3 import HTTPConnectionPool

from tests.e2e.clients.conftest import check
from tests.e2e.clients.programs import ITEM, output

CALLS = 20

# In a process of its own: it leaves connections that were closed under it to the collector.
LARGE_BY_AIOHTTP = """
import aiohttp, asyncio, io, sys

async def main(url, item):
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession() as session:
        for body in (item.encode(), bytes(20_000_000), item.encode(), bytes(20_000_000)):
            async with session.post(url, data=io.BytesIO(body), headers=headers) as answer:
                await answer.json(content_type=None)
                print(answer.status)

asyncio.run(main(*sys.argv[1:]))
"""


def test_requests_keeps_one_connection(tiny_url: str, expected: dict[str, Any]) -> None:
    with requests.Session() as session:
        for _ in range(CALLS):
            response = session.post(f"{tiny_url}/predict/xcopa", json=ITEM, timeout=60)
            response.raise_for_status()
            check(response.json(), expected)
        adapter = session.get_adapter(tiny_url)
        assert isinstance(adapter, requests.adapters.HTTPAdapter)
        pools = adapter.poolmanager.pools
        [pool] = [pools[key] for key in pools.keys()]  # noqa: SIM118  # no iterator of its own
        assert isinstance(pool, HTTPConnectionPool)
        assert (pool.num_connections, pool.num_requests) == (1, CALLS)


def test_requests_may_stream_a_body_and_an_answer(tiny_url: str, expected: dict[str, Any]) -> None:
    body = requests.Request("POST", f"{tiny_url}/predict/xcopa", json=ITEM).prepare().body
    assert isinstance(body, bytes)
    response = requests.post(
        f"{tiny_url}/predict/xcopa",
        data=(body[place : place + 7] for place in range(0, len(body), 7)),
        headers={"Content-Type": "application/json"},
        stream=True,
        timeout=60,
    )
    check(response.json(), expected)


def test_httpx_keeps_one_connection(tiny_url: str, expected: dict[str, Any]) -> None:
    connected: list[str] = []

    def note(event: str, _: object) -> None:
        if event == "connection.connect_tcp.complete":
            connected.append(event)

    with httpx.Client(base_url=tiny_url, timeout=60) as client:
        for _ in range(CALLS):
            response = client.post("/predict/xcopa", json=ITEM, extensions={"trace": note})
            check(response.raise_for_status().json(), expected)
    assert len(connected) == 1


@pytest.mark.anyio
async def test_httpx_asks_many_at_once(tiny_url: str, expected: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=tiny_url, timeout=60) as client:
        calls = [client.post("/predict/xcopa", json=ITEM) for _ in range(CALLS)]
        for response in await asyncio.gather(*calls):
            check(response.raise_for_status().json(), expected)


@pytest.mark.anyio
async def test_aiohttp_keeps_as_many_connections_as_it_needs(
    tiny_url: str, expected: dict[str, Any]
) -> None:
    created = 0

    async def note(*_: object) -> None:
        nonlocal created
        created += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(note)

    async def ask(session: aiohttp.ClientSession) -> Any:
        async with session.post("/predict/xcopa", json=ITEM) as response:
            assert response.status == 200
            return await response.json()

    connector = aiohttp.TCPConnector(limit=4)
    async with aiohttp.ClientSession(
        tiny_url, connector=connector, trace_configs=[trace]
    ) as session:
        for answer in await asyncio.gather(*(ask(session) for _ in range(CALLS))):
            check(answer, expected)
        for _ in range(CALLS):
            check(await ask(session), expected)
    assert created <= 4


def test_requests_and_httpx_read_that_their_body_is_too_large(tiny_url: str) -> None:
    target, headers = f"{tiny_url}/predict/xcopa", {"Content-Type": "application/json"}
    large = bytes(20_000_000)
    assert requests.post(target, data=large, headers=headers, timeout=60).status_code == 413
    assert httpx.post(target, content=large, headers=headers, timeout=60).status_code == 413


def test_aiohttp_reads_that_its_body_is_too_large(tiny_url: str) -> None:
    url = f"{tiny_url}/predict/xcopa"
    said = output(sys.executable, "-c", LARGE_BY_AIOHTTP, url, json.dumps(ITEM))
    assert said.split() == ["200", "413", "200", "413"]
