"""A busy, a restarting and a wrong service, as the client of an evaluation meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.ask.remote import (
    CALL_ITEMS,
    PATIENCE_S,
    RemotePredictor,
    RetryClock,
    Service,
)

ITEMS = [CausalItem(f"premise {n}", "yes", "no", "cause") for n in range(150)]
URL = "http://service.test/xcopa/"

Handler = Callable[[list[dict[str, str]]], httpx.Response]


class Passing:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    @property
    def clock(self) -> RetryClock:
        return RetryClock(now=lambda: sum(self.waits), sleep=self.waits.append)


def prediction(item: dict[str, str], revision: str = "abc") -> dict[str, Any]:
    return {"logits": [float(item["premise"].split()[1]), 0.5], "revision": revision}


def answer(items: list[dict[str, str]]) -> httpx.Response:
    return httpx.Response(200, json={"predictions": [prediction(item) for item in items]})


def refuse(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"detail": "not now"}, headers=headers)


def service(handle: Handler, time: Passing | None = None) -> Service:
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url == f"{URL}predict/xcopa/batch"
        body = json.loads(request.content)
        assert set(body) == {"items", "model"}
        return handle(body["items"])

    clock = (time or Passing()).clock
    return Service(URL, clock, httpx.MockTransport(respond))


def ask(handle: Handler, time: Passing | None = None) -> list[list[float]]:
    """Ask all items, and see that each was counted once."""
    done: list[int] = []
    with service(handle, time) as made:
        logits = RemotePredictor(made, "direct", "abc").logits(ITEMS, done.append)
    assert sum(done) == len(ITEMS)
    return [list(pair) for pair in logits]


EXPECTED = [[float(n), 0.5] for n in range(150)]


def test_logits_come_back_in_the_order_of_the_items() -> None:
    sizes: list[int] = []

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        sizes.append(len(items))
        return answer(items)

    assert ask(handle) == EXPECTED
    assert sizes == [CALL_ITEMS, CALL_ITEMS, 150 - 2 * CALL_ITEMS]


def test_a_busy_service_is_asked_again_when_it_says_and_for_less() -> None:
    time = Passing()
    sizes: list[int] = []

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        sizes.append(len(items))
        return refuse(429, **{"Retry-After": "7"}) if len(sizes) == 1 else answer(items)

    assert ask(handle, time) == EXPECTED
    assert time.waits == [7]
    assert sizes[:2] == [CALL_ITEMS, CALL_ITEMS // 2]


@pytest.mark.parametrize("status", [413, 504])
def test_a_call_that_is_too_much_is_halved_until_it_fits(status: int) -> None:
    def handle(items: list[dict[str, str]]) -> httpx.Response:
        return refuse(status) if len(items) > 10 else answer(items)

    assert ask(handle) == EXPECTED


def test_a_service_that_restarts_is_waited_for() -> None:
    time = Passing()

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        if len(time.waits) == 0:
            raise httpx.ConnectError("connection refused")
        if len(time.waits) == 1:
            return refuse(503, **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})
        return answer(items)

    assert ask(handle, time) == EXPECTED
    assert time.waits == [1, 1]


def test_items_that_expired_alone_are_asked_again_alone() -> None:
    asked: list[str] = []

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        predictions = [
            {"error": {"status": 504, "detail": "expired"}}
            if item["premise"].endswith("3") and item["premise"] not in asked
            else prediction(item)
            for item in items
        ]
        asked.extend(item["premise"] for item in items)
        return httpx.Response(200, json={"predictions": predictions})

    assert ask(handle) == EXPECTED
    assert len(asked) == 150 + 15


def test_a_service_that_never_answers_is_given_up() -> None:
    time = Passing()
    with pytest.raises(EvaluationError, match="503: not now"):
        ask(lambda items: refuse(503, **{"Retry-After": "60"}), time)
    assert PATIENCE_S - 60 <= sum(time.waits) <= PATIENCE_S


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (refuse(422), "422: not now"),
        (refuse(500), "500: not now"),
        (httpx.Response(200, text="<html>"), "200"),
        (httpx.Response(200, json={"predictions": [{"label": 1}]}), "200"),
        (
            httpx.Response(200, json={"predictions": [{"error": {"status": 500, "detail": "x"}}]}),
            "cannot answer an item: 500: x",
        ),
        (
            httpx.Response(200, json={"predictions": [{"revision": "def", "logits": [0, 1]}]}),
            "changed direct from abc to def",
        ),
    ],
)
def test_what_waiting_cannot_mend_is_one_clear_line(reply: httpx.Response, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        ask(lambda items: reply)


def test_a_single_item_that_is_too_much_is_not_tried_for_ever() -> None:
    time = Passing()
    with pytest.raises(EvaluationError, match="a single item"):
        ask(lambda items: refuse(413), time)
    assert len(time.waits) < 10


def models(reply: Callable[[], httpx.Response], time: Passing | None = None) -> dict[str, str]:
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url == f"{URL}models"
        return reply()

    with Service(URL, (time or Passing()).clock, httpx.MockTransport(respond)) as made:
        return made.revisions()


def test_a_service_that_still_loads_is_waited_for() -> None:
    time = Passing()
    cards = {"models": [{"name": "direct", "revision": "abc"}]}

    def reply() -> httpx.Response:
        if len(time.waits) < 3:
            return refuse(503, **{"Retry-After": "2"})
        return httpx.Response(200, json=cards)

    assert models(reply, time) == {"direct": "abc"}
    assert time.waits == [2, 2, 2]


@pytest.mark.parametrize(
    "reply", [httpx.Response(404), httpx.Response(200, json=[]), httpx.Response(200, json={})]
)
def test_what_is_not_this_service_is_one_clear_line(reply: httpx.Response) -> None:
    with pytest.raises(EvaluationError, match="is not this service"):
        models(lambda: reply)


@pytest.mark.parametrize("url", ["http://[", "no-scheme", "ftp://host", "http://127.0.0.1:1"])
def test_what_cannot_be_reached_is_one_clear_line(url: str) -> None:
    with pytest.raises(EvaluationError, match=r"URL|reached"), Service(url) as made:
        made.revisions()
