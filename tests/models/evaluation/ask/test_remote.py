"""A busy, a restarting and a wrong service, as the client of an evaluation meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import httpx
import pytest

from app.engine.tokenizer import CausalItem
from app.errors import FieldError
from models.evaluation.ask.call_size import CALL_ITEMS
from models.evaluation.ask.patience import PATIENCE_S, RetryClock
from models.evaluation.ask.predictor import EvaluationError, ItemOutcome, Unanswered
from models.evaluation.ask.remote import RemotePredictor
from models.evaluation.ask.service import RemoteModel, Service

ITEMS = [CausalItem(f"premise {n}", "yes", "no", "cause") for n in range(150)]
URL = "http://service.test/xcopa/"

Handler = Callable[[list[dict[str, str]]], httpx.Response]


class Passing:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    @property
    def clock(self) -> RetryClock:
        return RetryClock(lambda: sum(self.waits), self.waits.append, draw=lambda: 0.0)


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


DIRECT = RemoteModel("direct", "abc", 1.5)


def ask(handle: Handler, time: Passing | None = None) -> list[list[float]]:
    """Ask all items, and see that each was counted once."""
    done: list[int] = []
    with service(handle, time) as made:
        logits = RemotePredictor(made, DIRECT).logits(ITEMS, done.append)
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
    assert time.waits == [1, 2]


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


@pytest.mark.parametrize("named", ["60", "3600", "0", "1", "-1", "9" * 400, "soon"])
def test_a_service_that_never_answers_is_given_up_when_patience_ends(named: str) -> None:
    time = Passing()
    calls = 0

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        nonlocal calls
        calls += 1
        return refuse(503, **{"Retry-After": named})

    with pytest.raises(EvaluationError, match=r"answered nothing for 300 s; .* 503: not now"):
        ask(handle, time)
    assert sum(time.waits) == pytest.approx(PATIENCE_S)
    assert calls <= PATIENCE_S + 1


@pytest.mark.parametrize(
    ("named", "waits"),
    [
        ("0", [1, 2, 4, 8, 16, 32, 60]),
        ("3600", [60]),
        ("5", [5, 5, 5, 5, 5, 5]),
    ],
)
def test_a_wait_is_neither_none_nor_an_hour(named: str, waits: list[float]) -> None:
    time = Passing()

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        if len(time.waits) < len(waits):
            return refuse(429, **{"Retry-After": named})
        return answer(items)

    assert ask(handle, time) == EXPECTED
    assert time.waits == waits


def test_clients_that_were_refused_together_do_not_come_back_together() -> None:
    waits: list[float] = []

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        return answer(items) if waits else refuse(503, **{"Retry-After": "8"})

    with service(handle) as made:
        made.clock = RetryClock(lambda: 0.0, waits.append, draw=lambda: 0.5)
        RemotePredictor(made, DIRECT).outcomes(ITEMS[:1])
    assert waits == [9]


def test_a_bad_minute_does_not_make_all_later_calls_small() -> None:
    many = ITEMS * 20
    calls: list[int] = []

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        calls.append(len(items))
        return refuse(504) if len(calls) <= 6 else answer(items)

    with service(handle) as made:
        found = RemotePredictor(made, DIRECT).logits(many, lambda items: None)
    assert len(found) == len(many)
    assert calls[:7] == [64, 32, 16, 8, 4, 2, 1]
    assert calls[-2] == CALL_ITEMS
    assert len(calls) < 6 + 24 + len(many) / CALL_ITEMS + 12


def test_a_limit_that_stays_costs_few_calls() -> None:
    many = ITEMS * 20
    refused = 0

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        nonlocal refused
        refused += len(items) > 10
        return refuse(413) if len(items) > 10 else answer(items)

    with service(handle) as made:
        RemotePredictor(made, DIRECT).logits(many, lambda items: None)
    assert refused < 12


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (refuse(422), "422: not now"),
        (refuse(500), "500: not now"),
        (httpx.Response(200, text="<html>"), "200"),
        (httpx.Response(200, json={"predictions": [{"label": 1}]}), "200"),
        (
            httpx.Response(
                200,
                json={"predictions": [{"error": {"status": 500, "detail": "x"}}] * CALL_ITEMS},
            ),
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


def outcomes(handle: Handler, time: Passing | None = None) -> list[ItemOutcome]:
    with service(handle, time) as made:
        return RemotePredictor(made, DIRECT).outcomes(ITEMS[:CALL_ITEMS])


def placed(index: int, field: str) -> dict[str, str]:
    return {"field": f"items.{index}.{field}", "message": "is too long"}


def test_an_item_that_is_refused_leaves_the_others_alone() -> None:
    def handle(items: list[dict[str, str]]) -> httpx.Response:
        predictions = [
            {"error": {"status": 422, "detail": "x", "errors": [placed(n, "choice2")]}}
            if item == asdict(ITEMS[7])
            else prediction(item)
            for n, item in enumerate(items)
        ]
        return httpx.Response(200, json={"predictions": predictions})

    found = outcomes(handle)
    assert found.pop(7) == Unanswered("422: x", (FieldError("choice2", "is too long"),))
    assert found == [(float(n), 0.5) for n in range(CALL_ITEMS) if n != 7]


def test_of_a_call_without_any_answer_each_item_gets_its_own_reason() -> None:
    """The response is the first item's problem, and others may only have come too late."""

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        if items[0]["premise"] not in {"premise 0", "premise 1"}:
            return answer(items)
        errors = [placed(n, "premise") for n in range(min(20, len(items)))]
        problem = {"status": 422, "detail": items[0]["premise"], "errors": errors}
        return httpx.Response(422, json=problem)

    first, second, *others = outcomes(handle)
    assert first == Unanswered("422: premise 0", (FieldError("premise", "is too long"),))
    assert second == Unanswered("422: premise 1", (FieldError("premise", "is too long"),))
    assert others == [(float(n), 0.5) for n in range(2, CALL_ITEMS)]


def test_an_item_that_always_comes_too_late_is_given_up_and_the_others_are_answered() -> None:
    def handle(items: list[dict[str, str]]) -> httpx.Response:
        if asdict(ITEMS[7]) in items:
            return refuse(504)
        return answer(items)

    found = outcomes(handle)
    assert found[7] == Unanswered("504: not now")
    assert not any(isinstance(each, Unanswered) for n, each in enumerate(found) if n != 7)


def test_a_full_queue_that_has_room_again_gets_whole_calls() -> None:
    sizes: list[int] = []

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        sizes.append(len(items))
        return refuse(429) if len(sizes) <= 2 else answer(items)

    assert ask(handle) == EXPECTED
    assert sizes == [64, 32, 16, 32, 16, 64, 22]


def test_a_wait_is_read_from_a_date_by_the_clock_of_who_sent_it() -> None:
    time = Passing()
    dates = {
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "Retry-After": "Wed, 21 Oct 2015 07:28:09 GMT",
    }

    def handle(items: list[dict[str, str]]) -> httpx.Response:
        return answer(items) if time.waits else refuse(503, **dates)

    assert ask(handle, time) == EXPECTED
    assert time.waits == [9]


def test_logits_that_are_no_numbers_are_no_answer() -> None:
    def handle(items: list[dict[str, str]]) -> httpx.Response:
        body = json.dumps({"predictions": [{"revision": "abc", "logits": [float("nan"), 1]}] * 64})
        return httpx.Response(200, text=body)

    assert all(isinstance(each, Unanswered) for each in outcomes(handle))


def test_a_service_that_is_closed_is_waited_for_no_longer() -> None:
    made = service(lambda items: refuse(503))

    def close_meanwhile(seconds: float) -> None:
        made.__exit__()

    made.clock = RetryClock(lambda: 0.0, close_meanwhile)
    with pytest.raises(EvaluationError, match="asked no more"):
        RemotePredictor(made, DIRECT).outcomes(ITEMS[:1])


def test_a_single_item_that_is_too_much_is_not_tried_for_ever() -> None:
    time = Passing()
    with pytest.raises(EvaluationError, match="a single item"):
        ask(lambda items: refuse(413), time)
    assert len(time.waits) < 10
