"""The model repository over HTTP: who may, what is asked of the repository, and what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import problem
from app.api.caller import note_holder
from app.api.open_inference import repository
from app.errors import ChangeRefusedError, NoRoomError, ServiceError
from app.keys.api_key import draw
from app.keys.ring import KeyHolder
from app.model_repository import Entry, ModelState
from app.telemetry.metrics import Metrics
from tests.app.api.stand_in import client

pytestmark = pytest.mark.anyio

INDEX, LOAD, UNLOAD = (
    "/v2/repository/index",
    "/v2/repository/models/direct/load",
    "/v2/repository/models/direct/unload",
)
ENTRIES = [
    Entry("direct", "abc", ModelState.READY, ""),
    Entry("mnli", "", ModelState.UNAVAILABLE, 'no "such" model'),
]


@dataclass
class StandInRepository:
    """Remembers what it was asked, or raises."""

    refusal: ServiceError | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def index(self) -> list[Entry]:
        return ENTRIES

    async def load(self, name: str, source: str | None = None, also: Sequence[str] = ()) -> None:
        self._note("load", name, source, list(also))

    async def unload(self, name: str) -> None:
        self._note("unload", name)

    def _note(self, *asked: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append(asked)


class HeldBy:
    """Has every request hold a key, as the middleware that checks keys does."""

    def __init__(self, app: ASGIApp, holder: KeyHolder | None) -> None:
        self._app = app
        self._holder = holder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._holder is not None:
            note_holder(scope, self._holder)
        await self._app(scope, receive, send)


async def ask(
    path: str,
    body: bytes = b"",
    made: StandInRepository | None = None,
    *,
    admin: bool | None = True,
) -> httpx.Response:
    """Post a body; ``admin`` None is a request without a key."""
    app = FastAPI()
    app.state.repository = made or StandInRepository()
    app.include_router(repository.router)
    problem.install(app)
    key = draw("ops", admin=bool(admin))[1]
    holder = None if admin is None else KeyHolder(key, None, Metrics(()))
    async with client(HeldBy(app, holder)) as asking:
        return await asking.post(path, content=body)


@pytest.mark.parametrize("path", [INDEX, LOAD, UNLOAD])
@pytest.mark.parametrize("admin", [False, None])
async def test_whoever_is_no_admin_is_refused_before_the_body_is_read(
    path: str, admin: bool | None
) -> None:
    made = StandInRepository()
    response = await ask(path, b"{", made, admin=admin)
    assert response.status_code == 403
    assert "may not change models" in response.json()["error"]
    assert not made.asked


async def test_the_index_lists_all_or_those_that_can_be_asked() -> None:
    ready = {"name": "direct", "version": "abc", "state": "READY", "reason": ""}
    other = {"name": "mnli", "version": "", "state": "UNAVAILABLE", "reason": 'no "such" model'}
    for body in (b"", b"{}", b'{"ready": false}', b'{"repository_name": ""}'):
        assert (await ask(INDEX, body)).json() == [ready, other]
    assert (await ask(INDEX, b'{"ready": true}')).json() == [ready]


@pytest.mark.parametrize(
    ("path", "body", "asked"),
    [
        (LOAD, b"", ("load", "direct", None, [])),
        (LOAD, b'{"parameters": {}}', ("load", "direct", None, [])),
        (
            LOAD,
            b'{"parameters": {"source": "a/b", "also": ["stilts"]}}',
            ("load", "direct", "a/b", ["stilts"]),
        ),
        (UNLOAD, b"", ("unload", "direct")),
        (UNLOAD, b'{"parameters": {"unload_dependents": false}}', ("unload", "direct")),
    ],
)
async def test_a_change_is_handed_on_and_answered_with_nothing(
    path: str, body: bytes, asked: tuple[object, ...]
) -> None:
    made = StandInRepository()
    response = await ask(path, body, made)
    assert (response.status_code, response.content) == (200, b"")
    assert made.asked == [asked]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "body: is not valid JSON"),
        (b'{"parameters": {"config": "{}"}}', "parameters: 'config' is not taken"),
        (b'{"parameters": {"file:1/m.pt": "x"}}', "parameters: 'file:1/m.pt' is not taken"),
        (b'{"parameters": {"sorce": "x"}}', "parameters.sorce: is not a field"),
        (b'{"parameters": {"source": ""}}', "parameters.source"),
        (b'{"parameters": {"also": "stilts"}}', "parameters.also: must be a list"),
        (b'{"parameters": 1}', "parameters: must be a JSON object"),
    ],
)
async def test_what_is_wrong_in_a_body_is_named(body: bytes, said: str) -> None:
    made = StandInRepository()
    response = await ask(LOAD, body, made)
    assert response.status_code == 400
    assert response.json()["error"].startswith(said)
    assert not made.asked


@pytest.mark.parametrize(
    ("refusal", "status"), [(ChangeRefusedError("not now"), 409), (NoRoomError("no room"), 507)]
)
async def test_a_refusal_is_an_error_of_the_protocol(refusal: ServiceError, status: int) -> None:
    response = await ask(LOAD, b"", StandInRepository(refusal))
    assert (response.status_code, response.json()) == (status, {"error": refusal.detail})
