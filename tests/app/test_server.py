"""Who is behind a proxy, as the server that is configured by the settings sees it."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from uvicorn import Config

from app.api.caller import caller_of
from app.api.connections import Connections
from app.server import connection_limits, connection_options
from app.settings import Settings
from app.telemetry.metrics import Metrics

pytestmark = pytest.mark.anyio


async def caller_seen(peer: str, forwarded: str, proxies: str) -> str:
    """Who calls, for an application behind the server, when ``peer`` is connected."""
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(caller_of(Request(scope)).name)

    settings = Settings(forwarded_allow_ips=proxies)
    options = connection_options(
        settings, Connections(connection_limits(settings), Metrics(["direct"]))
    )
    config = Config(app, log_config=None, **options)
    config.load()
    headers = [(b"x-forwarded-for", forwarded.encode())]
    scope = {"type": "http", "client": (peer, 1), "headers": headers, "scheme": "http"}
    await config.loaded_app(scope, None, None)
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "caller"),
    [
        ("127.0.0.1", "192.0.2.1", "127.0.0.1,::1", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1", "none", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1", "10.0.0.0/8", "127.0.0.1"),
        ("10.1.2.3", "192.0.2.1", "10.0.0.0/8", "192.0.2.1"),
        ("10.1.2.3", "6.6.6.6, 192.0.2.1, 10.9.9.9", "10.0.0.0/8", "192.0.2.1"),
        ("10.1.2.3", "192.0.2.1:4711", "10.0.0.0/8", "192.0.2.1"),
        ("10.1.2.3", "[2001:db8::1]:4711", "10.0.0.0/8", "2001:db8::/64"),
        ("192.0.2.9", "6.6.6.6", "10.0.0.0/8", "192.0.2.9"),
        ("192.0.2.9", "6.6.6.6", "*", "6.6.6.6"),
    ],
)
async def test_who_calls_is_believed_from_a_trusted_proxy_alone(
    peer: str, forwarded: str, proxies: str, caller: str
) -> None:
    assert await caller_seen(peer, forwarded, proxies) == caller
