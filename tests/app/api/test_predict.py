"""From bodies to asks and from outcomes to answers, on a stand-in for the service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from app.api.predict import _all_failed, _placed
from app.api.problem import MEDIA_TYPE, TYPE_PREFIX
from app.engine.tokenizer import CausalItem
from app.errors import (
    MOST_FIELD_ERRORS,
    DeadlineExceededError,
    FieldError,
    InferenceError,
    InvalidRequestError,
    OverloadedError,
    ServiceError,
    TextTooLongError,
    UnavailableError,
)
from app.serving.answer import Answer, Ask
from tests.app.api.stand_in import (
    ITEM,
    StandInRuntime,
    StandInService,
    answer,
    application,
    ask,
    client,
)

pytestmark = pytest.mark.anyio

CAUSAL = CausalItem(ITEM["premise"], ITEM["choice1"], ITEM["choice2"], "cause")
FAILED = InferenceError("the model failed on this item")
LONG = TextTooLongError([FieldError("choice1", "is too long")])


async def outcome(
    path: str,
    body: object,
    *outcomes: Answer | ServiceError,
    headers: dict[str, str] | None = None,
    **settings: Any,
) -> tuple[httpx.Response, StandInService]:
    """Post a body to a service that has these outcomes."""
    service = StandInService(outcomes)
    app = application(StandInRuntime(service), **settings)
    return await ask(app, path, body, **(headers or {})), service


# One item ------------------------------------------------------------------------------------


async def test_a_prediction_is_the_answer_with_the_id_of_its_request() -> None:
    response, _ = await outcome(
        "/predict/xcopa", ITEM, answer("direct", 1), headers={"X-Request-ID": "abc"}
    )
    assert response.json() == {
        "label": 1,
        "probabilities": [0.25, 0.75],
        "logits": [-1.0, 1.0],
        "model": "direct",
        "revision": "revision-of-direct",
        "request_id": "abc",
    }


@pytest.mark.parametrize("named", [None, "direct", "stilts"])
@pytest.mark.parametrize("default", ["direct", "stilts"])
async def test_the_model_that_is_named_is_asked_else_the_default(
    named: str | None, default: str
) -> None:
    body = ITEM if named is None else {**ITEM, "model": named}
    _, service = await outcome("/predict/xcopa", body, answer(), default_model=default)
    [(asks, _, _)] = service.calls
    assert asks == [Ask(CAUSAL, named or default)]


async def test_the_service_is_told_the_deadline_and_the_caller() -> None:
    headers = {"X-Request-Timeout-Ms": "250", "X-API-Key": "mine"}
    _, service = await outcome("/predict/xcopa", ITEM, answer(), headers=headers)
    [(_, timeout, caller)] = service.calls
    assert timeout == 0.25
    assert caller.name.startswith("key:")


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (FAILED, 500, None),
        (DeadlineExceededError("no answer within 5 ms"), 504, None),
        (LONG, 422, None),
        (OverloadedError("the queue is full", retry_after=2.2), 429, "3"),
        (UnavailableError("shutting down", retry_after=0.1), 503, "1"),
    ],
)
async def test_an_outcome_without_an_answer_is_a_problem(
    error: ServiceError, status: int, retry_after: str | None
) -> None:
    response, _ = await outcome("/predict/xcopa", ITEM, error)
    assert response.status_code == status
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.headers.get("retry-after") == retry_after
    assert response.json()["type"] == TYPE_PREFIX + error.slug


async def test_a_call_that_is_not_admitted_is_a_problem() -> None:
    service = StandInService(refusal=OverloadedError("the queue is full", retry_after=7))
    response = await ask(application(StandInRuntime(service)))
    assert response.status_code == 429
    assert response.headers["retry-after"] == "7"


# Both models ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("other", "agree"), [(0, True), (1, False)])
async def test_both_models_are_asked_and_it_is_said_whether_they_agree(
    other: int, agree: bool
) -> None:
    response, service = await outcome(
        "/compare/xcopa", ITEM, answer("direct", 0), answer("stilts", other)
    )
    [(asks, _, _)] = service.calls
    assert asks == [Ask(CAUSAL, "direct"), Ask(CAUSAL, "stilts")]
    said = response.json()
    assert {name: each["label"] for name, each in said["predictions"].items()} == {
        "direct": 0,
        "stilts": other,
    }
    assert said["agree"] is agree


async def test_a_comparison_is_counted_by_whether_the_models_agree() -> None:
    service = StandInService([answer("direct", 0), answer("stilts", 1)])
    app = application(StandInRuntime(service))
    async with client(app) as made:
        await made.post("/compare/xcopa", json=ITEM)
    get = app.state.metrics.registry.get_sample_value
    assert get("xcopa_comparisons_total", {"result": "differ"}) == 1
    assert get("xcopa_comparisons_total", {"result": "agree"}) == 0


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", ["direct", "stilts", "mnli"]),
        ("?models=mnli,direct", ["mnli", "direct"]),
        ("?models=mnli&models=direct,mnli", ["mnli", "direct"]),
        ("?models=stilts", ["stilts"]),
    ],
)
async def test_all_models_are_compared_or_those_that_the_query_names(
    query: str, asked: list[str]
) -> None:
    names = ("direct", "stilts", "mnli")
    service = StandInService([answer(name) for name in asked])
    app = application(StandInRuntime(service, served=dict.fromkeys(names), names=names))
    response = await ask(app, f"/compare/xcopa{query}")
    assert list(response.json()["predictions"]) == asked
    [(asks, _, _)] = service.calls
    assert [each.model for each in asks] == asked
    get = app.state.metrics.registry.get_sample_value
    assert get("xcopa_comparisons_total", {"result": "agree"}) == float(len(asked) > 1)


@pytest.mark.parametrize("query", ["models=", "models=direct,", "models=large", "models=Direct"])
async def test_a_query_that_names_no_model_is_refused_with_the_names(query: str) -> None:
    response, service = await outcome(f"/compare/xcopa?{query}", ITEM)
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["field"] == "models"
    assert "must be 'direct' or 'stilts'" in error["message"]
    assert service.calls == []


async def test_a_comparison_needs_both_answers() -> None:
    response, _ = await outcome("/compare/xcopa", ITEM, answer("direct"), FAILED)
    assert response.status_code == 500


# Batches -------------------------------------------------------------------------------------


async def batch(
    items: Sequence[object], *outcomes: Answer | ServiceError, **settings: Any
) -> tuple[httpx.Response, StandInService]:
    return await outcome("/predict/xcopa/batch", {"items": items}, *outcomes, **settings)


async def test_a_batch_is_answered_in_order() -> None:
    response, service = await batch([ITEM] * 3, answer(label=1), answer(label=0), answer(label=1))
    assert [each["label"] for each in response.json()["predictions"]] == [1, 0, 1]
    assert len(service.calls) == 1


async def test_a_malformed_item_is_not_asked_and_is_refused_at_its_index() -> None:
    malformed = {**ITEM, "choice2": ""}
    response, service = await batch([ITEM, malformed, "none", ITEM], answer(), answer(label=1))
    [(asks, _, _)] = service.calls
    assert asks == [Ask(CAUSAL, "stilts")] * 2
    assert response.status_code == 200
    first, second, third, fourth = response.json()["predictions"]
    assert (first["label"], fourth["label"]) == (0, 1)
    assert second["error"]["errors"][0]["field"] == "items.1.choice2"
    assert third["error"]["errors"] == [{"field": "items.2", "message": "must be a JSON object"}]
    assert second["error"]["instance"] == "/predict/xcopa/batch"


async def test_an_item_that_fails_leaves_its_neighbours_their_answers() -> None:
    response, _ = await batch([ITEM, ITEM], FAILED, answer())
    failed, answered = response.json()["predictions"]
    assert failed["error"]["status"] == 500
    assert failed["error"]["errors"] == [{"field": "items.0", "message": FAILED.detail}]
    assert answered["label"] == 0


async def test_a_batch_without_an_answer_is_the_problem_of_its_first_item() -> None:
    response, _ = await batch([ITEM, ITEM], LONG, FAILED)
    assert response.status_code == 422
    said = response.json()
    assert said["type"] == TYPE_PREFIX + "text-too-long"
    assert [each["field"] for each in said["errors"]] == ["items.0.choice1", "items.1"]


async def test_a_batch_of_malformed_items_alone_asks_nothing() -> None:
    response, service = await batch([{}, 1])
    assert response.status_code == 422
    assert service.calls == []


async def test_a_batch_may_have_as_many_items_as_the_setting_says() -> None:
    response, _ = await batch([ITEM] * 2, answer(), answer(), max_batch_items=2)
    assert response.status_code == 200
    response, service = await batch([ITEM] * 3, max_batch_items=2)
    assert response.status_code == 413
    assert "3 items" in response.json()["detail"]
    assert service.calls == []


# Parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "placed"),
    [
        (FAILED, [FieldError("items.3", FAILED.detail)]),
        (LONG, [FieldError("items.3.choice1", "is too long")]),
        (InvalidRequestError([FieldError("body", "is none")]), [FieldError("items.3", "is none")]),
    ],
    ids=["no field", "a field", "the whole item"],
)
def test_errors_are_named_from_the_root_of_the_call(
    error: ServiceError, placed: list[FieldError]
) -> None:
    assert list(_placed(error, 3)) == placed


def test_the_error_of_a_call_names_every_item_up_to_a_limit() -> None:
    error = _all_failed([OverloadedError("full", retry_after=4), *[LONG] * 50])
    assert (error.status, error.slug, error.headers) == (429, "overloaded", {"Retry-After": "4"})
    assert [field.field for field in error.errors[:2]] == ["items.0", "items.1.choice1"]
    assert len(error.errors) == MOST_FIELD_ERRORS


async def test_server_timing_has_the_longest_of_each_stage_and_every_reason_once() -> None:
    response, _ = await batch(
        [ITEM] * 3,
        answer(tokenise=0.001, queue=0.5, inference=0.02, batch_reason="budget"),
        answer(tokenise=0.001, queue=0.002, inference=0.25, batch_reason="drained"),
        answer(tokenise=0.001, queue=0.002, inference=0.02, batch_reason="budget"),
    )
    timing = response.headers["server-timing"]
    durations = dict(re.findall(r"(\w+);dur=([\d.]+)", timing))
    del durations["admission"], durations["total"]
    assert durations == {"tokenise": "1.000", "queue": "500.000", "inference": "250.000"}
    assert timing.endswith('batch;desc="budget drained"')
