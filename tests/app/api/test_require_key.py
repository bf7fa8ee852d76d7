"""Who is let in, and how those are told that are not; with the middleware around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from app.api.access import AccessMiddleware
from app.api.caller import holder_of
from app.api.cors import OriginsMiddleware
from app.api.middleware import DefectsMiddleware, TargetMiddleware
from app.api.require_key import RequireKeyMiddleware
from app.api.security_headers import SecurityHeadersMiddleware
from app.console import routes as console
from app.errors import OverloadedError
from app.keys.in_force import KeysInForce
from app.keys.keys_file import add_key, revoke_key
from app.serving.work import UNLIMITED
from app.settings import VARIANTS
from tests.app.api.stand_in import (
    ITEM,
    StandInRuntime,
    StandInService,
    answer,
    application,
    client,
)

pytestmark = pytest.mark.anyio

PAGE = "https://page.example"
OPEN = [
    *("/livez", "/readyz", "/startupz", "/metrics", "/docs", "/redoc", "/openapi.json"),
    *("/v2/health/live", "/v2/health/ready", "/v2/models/direct/ready", "/v2/models/stilts/ready"),
    *("/", "/console/main.js"),
]
CLOSED = [
    *("/models", "/v2", "/v2/models/direct", "/v2/models/direct/infer", "/nothing", "//livez"),
    *("/predict/xcopa", "/predict/xcopa/batch", "/compare/xcopa", "/rank", "/livez/", "/LIVEZ"),
    *("/v2/models/other/ready", "/static-offline-docs", "/docs/../models", "/livez/../models"),
    *("/console", "/index.html"),
]


class Held:
    """An application whose callers need keys, and the keys of some."""

    def __init__(self, tmp_path: Path) -> None:
        path = tmp_path / "keys"
        self.alice = add_key(path, "alice", weight=3)
        self.bob = add_key(path, "bob", tokens_per_second=10)
        self.gone = add_key(path, "gone")
        revoke_key(path, "gone")
        self.service = StandInService([answer()])
        model = SimpleNamespace(variant=SimpleNamespace(revision="abc"))
        runtime = StandInRuntime(self.service, served=dict.fromkeys(VARIANTS, model))
        self.app: FastAPI = application(runtime, access=False)
        self.app.include_router(console.make_router())
        metrics = self.app.state.metrics
        self.app.add_middleware(
            RequireKeyMiddleware, keys=KeysInForce(path, metrics), metrics=metrics
        )
        self.app.add_middleware(DefectsMiddleware)
        self.app.add_middleware(OriginsMiddleware, origins=[PAGE])
        self.app.add_middleware(AccessMiddleware, metrics=metrics)
        self.app.add_middleware(SecurityHeadersMiddleware)
        self.app.add_middleware(TargetMiddleware, root_path="")

    async def ask(
        self, headers: Mapping[str, str | bytes] | None = None, path: str = "/predict/xcopa"
    ) -> httpx.Response:
        raw = [
            (name.encode(), value if isinstance(value, bytes) else value.encode())
            for name, value in (headers or {}).items()
        ]
        async with client(self.app) as made:
            return await made.post(path, json=ITEM, headers=raw)

    async def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        async with client(self.app, raises=False) as made:
            return await made.request(method, path, headers=headers)

    def refusals(self) -> dict[str, float]:
        families = self.app.state.metrics.registry.collect()
        return {
            sample.labels["reason"]: sample.value
            for family in families
            for sample in family.samples
            if sample.name == "xcopa_key_refusals_total" and sample.value
        }


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


@pytest.mark.parametrize(
    "headers",
    [
        lambda key: {"Authorization": f"Bearer {key}"},
        lambda key: {"authorization": f"bearer {key}"},
        lambda key: {"Authorization": f"BEARER   {key}  "},
        lambda key: {"X-API-Key": key},
        lambda key: {"x-api-key": f" {key} "},
        lambda key: {"X-API-Key": key, "Authorization": f"Bearer {key}"},
        lambda key: {"X-API-Key": key, "Authorization": "Basic Z2F0ZTp3YXk="},
        lambda key: {"X-API-Key": "", "Authorization": f"Bearer {key}"},
    ],
)
async def test_a_valid_key_is_let_in_by_either_header(
    held: Held, headers: Callable[[str], dict[str, str]]
) -> None:
    response = await held.ask(headers(held.alice))
    assert response.status_code == 200, response.text
    [(_, _, caller)] = held.service.calls
    assert (caller.name, caller.weight) == ("key:alice", 3)
    assert held.refusals() == {}


@pytest.mark.parametrize("path", ["/predict/xcopa", "/rank", "/v2/models/direct/infer"])
async def test_without_a_key_it_says_how_to_send_one(held: Held, path: str) -> None:
    response = await held.ask(path=path)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="xcopa"'
    body = response.json()
    assert "Authorization: Bearer KEY" in body.get("detail", body.get("error"))
    if not path.startswith("/v2"):
        assert response.headers["content-type"] == "application/problem+json"
        assert (body["type"], body["status"]) == ("urn:xcopa:problem:unauthorized", 401)
        assert body["instance"] == path
    assert held.service.calls == []
    assert held.refusals() == {"missing": 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"X-API-Key": " "},
        {"Authorization": "Basic Z2F0ZTp3YXk="},
        {"Authorization": "Token abc"},
        {"Authorization": "abc"},
        {"Cookie": "X-API-Key=abc"},
    ],
)
async def test_what_holds_no_key_is_no_key(held: Held, headers: dict[str, str]) -> None:
    response = await held.ask(headers)
    assert response.status_code == 401
    assert "error=" not in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    "key",
    [b"abc", b"caf\xe9", b"\xff\xfe", "schlüssel".encode(), b"xcopa_a_b", b"x" * 30_000, b"\x01"],
)
@pytest.mark.parametrize("form", [{"X-API-Key": b""}, {"Authorization": b"Bearer "}])
async def test_a_key_that_nobody_holds_is_401_whatever_bytes_it_has(
    held: Held, key: bytes, form: dict[str, bytes]
) -> None:
    """Others answered 500, since a comparison in constant time takes no text beyond ASCII."""
    response = await held.ask({name: value + key for name, value in form.items()})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="xcopa", error="invalid_token"'
    assert key[:3] not in response.content.replace(b"xcopa:problem", b"") or key[:3] == b"xco"
    assert held.refusals() == {"unknown": 1}


async def test_a_revoked_key_is_403_and_says_so(held: Held) -> None:
    response = await held.ask({"X-API-Key": held.gone})
    assert response.status_code == 403
    assert response.json()["type"] == "urn:xcopa:problem:key-revoked"
    assert "gone was revoked" in response.json()["detail"]
    assert held.gone not in response.text
    assert held.refusals() == {"revoked": 1}


async def test_two_keys_that_differ_are_refused_even_if_one_is_valid(held: Held) -> None:
    """Which of them counts would otherwise depend on who reads: a proxy, or the service."""
    for other in (held.bob, "abc"):
        headers = {"X-API-Key": held.alice, "Authorization": f"Bearer {other}"}
        response = await held.ask(headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].endswith('error="invalid_request"')
        assert "API keys that differ" in response.json()["detail"]
    async with client(held.app) as made:
        twice = [("X-API-Key", held.alice), ("X-API-Key", held.bob)]
        assert (await made.post("/predict/xcopa", json=ITEM, headers=twice)).status_code == 401
    assert held.refusals() == {"several": 3}
    assert held.service.calls == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_probes_metrics_and_docs_need_no_key(held: Held, method: str) -> None:
    for path in OPEN:
        assert (await held.get(path, method)).status_code == 200, path
    assert held.refusals() == {}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS"])
async def test_all_else_needs_one_also_what_does_not_exist(held: Held, method: str) -> None:
    """Routes that were added later were open elsewhere, since keys were asked for by prefix."""

    async def nothing() -> Message:
        raise AssertionError("the body was read")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    for path in CLOSED:
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [],
            "query_string": b"",
            "client": ("192.0.2.7", 1),
            "server": ("x", 80),
            "scheme": "http",
            "root_path": "",
        }
        await held.app(scope, nothing, send)
    statuses = [each["status"] for each in sent if each["type"] == "http.response.start"]
    assert statuses == [401] * len(CLOSED)


async def test_a_prefix_of_the_service_hides_nothing_and_opens_nothing(held: Held) -> None:
    app = TargetMiddleware(held.app, root_path="/xcopa")
    for path, status in {"/xcopa/livez": 200, "/livez": 200, "/xcopa/xcopa/livez": 401}.items():
        async with client(app) as made:
            assert (await made.get(path)).status_code == status
    async with client(app) as made:
        assert (await made.get("/xcopa/models")).status_code == 401


async def test_a_refusal_is_read_by_a_page_of_an_allowed_origin(held: Held) -> None:
    response = await held.get("/models", Origin=PAGE)
    assert response.status_code == 401
    assert response.headers["access-control-allow-origin"] == PAGE
    assert "WWW-Authenticate" in response.headers["access-control-expose-headers"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


async def test_a_browser_may_ask_without_a_key_whether_it_may_call(held: Held) -> None:
    """It sends no key with that question, and others refused it."""
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    response = await held.get("/predict/xcopa", "OPTIONS", **asked)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == PAGE


async def test_a_key_that_has_used_its_tokens_is_429_on_every_route(held: Held) -> None:
    """The stand-in does not count tokens, so this test does, as the service would."""

    async def predict(asks: Any, timeout: float, caller: Any, quota: Any, stages: Any) -> Any:
        quota.check()
        quota.spend(1_000)
        return [answer()] * len(asks)

    held.service.predict = predict  # type: ignore[method-assign]
    key = {"Authorization": f"Bearer {held.bob}"}
    assert (await held.ask(key)).status_code == 200
    response = await held.ask(key)
    assert response.status_code == 429
    assert response.json()["type"] == "urn:xcopa:problem:rate-limited"
    assert 90 <= int(response.headers["retry-after"]) <= 99
    bodies = {
        "/predict/xcopa/batch": {"items": [ITEM]},
        "/compare/xcopa": ITEM,
        "/rank": {"premise": "Wet.", "choices": ["Rain.", "Sun."], "question": "cause"},
        "/v2/models/direct/infer": {
            "inputs": [
                {"name": name, "shape": [1], "datatype": "BYTES", "data": [text]}
                for name, text in ITEM.items()
            ]
        },
    }
    async with client(held.app) as made:
        for path, body in bodies.items():
            refused = await made.post(path, json=body, headers=key)
            assert refused.status_code == 429, (path, refused.text)
            assert int(refused.headers["retry-after"]) >= 90
        assert (await made.get("/readyz")).status_code == 200


async def test_requests_are_counted_by_name(held: Held) -> None:
    for _ in range(2):
        await held.ask({"X-API-Key": held.alice})
    text = (await held.get("/metrics")).text
    assert 'xcopa_key_requests_total{key="alice"} 2.0' in text
    assert 'xcopa_key_requests_total{key="gone"} 0.0' in text
    assert held.alice.split("_")[1] not in text
    assert 'xcopa_http_requests_total{route="/predict/xcopa",status="200"} 2.0' in text


async def test_an_error_of_ours_is_logged_with_the_name_of_the_key(
    held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    held.service.refusal = ValueError("a defect")  # type: ignore[assignment]
    assert (await held.ask({"X-API-Key": held.alice})).status_code == 500
    assert "by the key alice" in caplog.text
    assert held.alice not in caplog.text


async def test_other_refusals_stay_what_they_are(held: Held) -> None:
    held.service.refusal = OverloadedError("full", retry_after=3)
    response = await held.ask({"X-API-Key": held.alice})
    assert response.json()["type"] == "urn:xcopa:problem:overloaded"


async def test_keys_of_many_callers_at_once_are_not_mixed_up(held: Held) -> None:
    keys = [("alice", held.alice), ("bob", held.bob)] * 20
    await asyncio.gather(*(held.ask({"X-API-Key": key}) for _, key in keys))
    assert sorted(caller.name for _, _, caller in held.service.calls) == sorted(
        f"key:{name}" for name, _ in keys
    )


def test_a_request_that_was_not_checked_has_no_holder() -> None:
    assert holder_of({"type": "http"}) is None
    UNLIMITED.check()
    UNLIMITED.spend(10**12)
