"""The service that an evaluation asks: which models it has, who may ask, and where it is."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.ask.service import RemoteModel, Service
from tests.models.evaluation.ask.test_remote import ITEMS, URL, Passing, answer, ask, refuse


def models(reply: Callable[[], httpx.Response], time: Passing | None = None) -> list[RemoteModel]:
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url == f"{URL}models"
        return reply()

    with Service(URL, (time or Passing()).clock, httpx.MockTransport(respond)) as made:
        return made.models()


def test_a_service_that_still_loads_is_waited_for() -> None:
    time = Passing()
    card = {"name": "direct", "revision": "abc", "temperature": 1.5, "default": True}
    cards = {"models": [card]}

    def reply() -> httpx.Response:
        if len(time.waits) < 3:
            return refuse(503, **{"Retry-After": "2"})
        return httpx.Response(200, json=cards)

    assert models(reply, time) == [RemoteModel("direct", "abc", temperature=1.5, default=True)]
    assert time.waits == [2, 2, 2]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_service_that_is_away_at_first_is_waited_for(status: int) -> None:
    time = Passing()
    cards = {"models": [{"name": "direct", "revision": "abc"}]}

    def reply() -> httpx.Response:
        if len(time.waits) == 0:
            return refuse(status)
        if len(time.waits) == 1:
            raise httpx.ReadError("reset by peer")
        return httpx.Response(200, json=cards)

    assert models(reply, time) == [RemoteModel("direct", "abc")], "of an earlier version"
    assert time.waits == [1, 2]


@pytest.mark.parametrize(
    "reply", [httpx.Response(404), httpx.Response(200, json=[]), httpx.Response(200, json={})]
)
def test_what_is_not_this_service_is_one_clear_line(reply: httpx.Response) -> None:
    with pytest.raises(EvaluationError, match="is not this service"):
        models(lambda: reply)


@pytest.mark.parametrize("url", ["http://[", "no-scheme", "ftp://host", "http://127.0.0.1:1"])
def test_what_cannot_be_reached_is_one_clear_line(url: str) -> None:
    with pytest.raises(EvaluationError, match=r"URL|reached"), Service(url) as made:
        made.models()


# Keys --------------------------------------------------------------------------------------------


def test_a_key_is_sent_with_every_call_and_none_where_there_is_none() -> None:
    sent: list[str | None] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("Authorization"))
        if request.url.path.endswith("models"):
            return httpx.Response(200, json={"models": []})
        return answer(json.loads(request.content)["items"])

    for key in ("k-1", None):
        with Service(URL, Passing().clock, httpx.MockTransport(respond), key) as made:
            made.models()
            made.predict("direct", ITEMS[:1])
    assert sent == ["Bearer k-1", "Bearer k-1", None, None]


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_wants_another_key_is_told_apart_and_not_asked_again(status: int) -> None:
    time = Passing()
    with pytest.raises(EvaluationError, match=rf"answers {status}: not now .*XCOPA_API_KEY"):
        models(lambda: refuse(status), time)
    with pytest.raises(EvaluationError, match=rf"answers {status}: not now .*XCOPA_API_KEY"):
        ask(lambda items: refuse(status), time)
    assert time.waits == []
