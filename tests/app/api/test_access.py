"""What is said of each request: the count, ``Server-Timing``, and one line in the log."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from app.api import problem
from app.api.access import AccessMiddleware, level_of, server_timing
from app.api.middleware import DefectsMiddleware, RequestIdMiddleware, TargetMiddleware
from app.api.record import record_of
from app.api.require_key import RequireKeyMiddleware
from app.engine.tokenizer import CausalItem
from app.errors import DeadlineExceededError, OverloadedError
from app.keys.in_force import KeysInForce
from app.keys.keys_file import add_key
from app.serving.answer import Ask, Stages
from app.telemetry.metrics import Metrics
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

SENT = "what a caller sent"


def small_application() -> FastAPI:
    app = FastAPI()
    problem.install(app)

    @app.get("/items/{number}")
    async def item(number: int) -> str:
        return f"item {number}"

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SENT)

    @app.get("/livez")
    async def livez() -> str:
        return "alive"

    app.add_middleware(DefectsMiddleware)
    return app


class Said:
    """Lines of requests, as far as the log has them."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        self._caplog = caplog

    @property
    def lines(self) -> list[dict[str, Any]]:
        plain = set(vars(logging.makeLogRecord({}))) | {"message"}
        return [
            {"level": each.levelname} | {k: v for k, v in vars(each).items() if k not in plain}
            for each in self._caplog.records
            if each.name == "app.requests"
        ]

    @property
    def line(self) -> dict[str, Any]:
        [line] = self.lines
        return line


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    return Said(caplog)


async def answer_of(
    method: str, path: str, app: FastAPI | None = None, **options: Any
) -> tuple[httpx.Response, Metrics]:
    app, metrics = app or small_application(), Metrics(["direct"])
    app.add_middleware(AccessMiddleware, metrics=metrics, **options)
    app.add_middleware(TargetMiddleware)
    async with client(app, raises=False) as made:
        return await made.request(method, path), metrics


# The count -----------------------------------------------------------------------------------


async def counted(method: str, path: str) -> dict[tuple[str, str], float]:
    """How often each pair of route and status was counted after one request."""
    _, metrics = await answer_of(method, path)
    [family] = [each for each in metrics.registry.collect() if each.name == "xcopa_http_requests"]
    return {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for sample in family.samples
        if sample.name == "xcopa_http_requests_total"
    }


async def test_a_request_is_counted_under_the_pattern_of_its_route() -> None:
    assert await counted("GET", "/items/7") == {("/items/{number}", "200"): 1.0}


async def test_a_refusal_is_counted_by_its_status() -> None:
    assert await counted("GET", "/items/seven") == {("/items/{number}", "422"): 1.0}


async def test_unknown_paths_share_one_label() -> None:
    assert await counted("GET", "/wp-admin.php") == {("unmatched", "404"): 1.0}


async def test_a_defect_is_counted_as_500() -> None:
    assert await counted("GET", "/broken") == {("/broken", "500"): 1.0}


def small_asking_application() -> FastAPI:
    """Answers as a route that asks a model does; ``models`` of the path are those that it asks."""
    app = FastAPI()

    @app.get("/ask/{models}")
    async def ask(request: Request, models: str) -> Response:
        about = record_of(request.scope)
        about.asked([Ask(CausalItem("", "", "", ""), each) for each in models], texts=False)
        about.stages.tokenise, about.stages.queue = 0.25, 0.5
        return Response(status_code=503 if models == "x" else 200)

    return app


async def timed(path: str) -> dict[tuple[str, str, str], float]:
    """The sums of the stages, by model and route, after one request."""
    _, metrics = await answer_of("GET", path, small_asking_application())
    return {
        (sample.name, sample.labels["model"], sample.labels["route"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name.endswith("_duration_seconds_sum") and "route" in sample.labels
    }


async def test_the_stages_of_an_answered_request_are_timed_by_model_and_route() -> None:
    found = await timed("/ask/d")
    assert found["xcopa_tokenise_duration_seconds_sum", "d", "/ask/{models}"] == 0.25
    assert found["xcopa_queue_duration_seconds_sum", "d", "/ask/{models}"] == 0.5
    assert found["xcopa_inference_duration_seconds_sum", "d", "/ask/{models}"] == 0
    assert found["xcopa_request_duration_seconds_sum", "d", "/ask/{models}"] > 0


async def test_a_request_to_several_models_has_a_label_of_its_own() -> None:
    assert {model for _, model, _ in await timed("/ask/ds")} == {"several"}


@pytest.mark.parametrize("path", ["/ask/x", "/nothing"], ids=["refused", "asks nothing"])
async def test_what_was_not_answered_by_a_model_is_not_timed(path: str) -> None:
    assert await timed(path) == {}


async def test_a_problem_is_counted_by_its_type() -> None:
    _, metrics = await answer_of("GET", "/broken")
    get = metrics.registry.get_sample_value
    assert get("xcopa_problems_total", {"problem": "internal"}) == 1


async def test_the_time_of_a_request_names_the_trace_of_its_caller() -> None:
    app, metrics = small_asking_application(), Metrics(["d"])
    app.add_middleware(AccessMiddleware, metrics=metrics)
    app.add_middleware(RequestIdMiddleware)
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with client(app) as made:
        await made.get("/ask/d", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        await made.get("/ask/d")
    body, _ = metrics.exposition("application/openmetrics-text")
    assert f'# {{trace_id="{trace}"}} '.encode() in body


# The line ------------------------------------------------------------------------------------


async def test_a_request_leaves_one_line_with_its_route_status_and_size(said: Said) -> None:
    await answer_of("GET", f"/items/7?q={SENT}")
    line = said.line
    assert line.pop("duration_ms") >= 0
    assert line == {
        "level": "INFO",
        "method": "GET",
        "route": "/items/{number}",
        "status": 200,
        "bytes": len('"item 7"'),
    }


async def test_a_prediction_has_its_stages_model_and_items_and_none_of_its_texts(
    said: Said,
) -> None:
    response = await ask(application(StandInRuntime(StandInService([answer()]))))
    line = said.line
    for timed in ("duration_ms", "admission_ms"):
        assert line.pop(timed) >= 0
    assert line == {
        "level": "INFO",
        "method": "POST",
        "route": "/predict/xcopa",
        "status": 200,
        "tokenise_ms": 1.0,
        "queue_ms": 2.0,
        "inference_ms": 3.0,
        "model": "stilts",
        "items": 1,
        "batch": "drained",
        "bytes": len(response.content),
    }


@pytest.mark.parametrize(
    ("refusal", "status", "problem", "level"),
    [
        (OverloadedError("full", retry_after=1.0), 429, "overloaded", "WARNING"),
        (DeadlineExceededError("late"), 504, "deadline-exceeded", "WARNING"),
    ],
)
async def test_a_call_that_is_refused_leaves_its_line_with_the_reason(
    refusal: Any, status: int, problem: str, level: str, said: Said
) -> None:
    await ask(application(StandInRuntime(StandInService(refusal=refusal))))
    line = said.line
    assert (line["status"], line["problem"], line["level"]) == (status, problem, level)
    assert line["route"] == "/predict/xcopa"


async def test_a_malformed_call_leaves_its_line_without_what_it_said(said: Said) -> None:
    await ask(application(), json={**ITEM, "question": SENT, SENT: 1})
    assert (said.line["status"], said.line["problem"]) == (422, "invalid-request")
    assert SENT not in str(said.lines)


async def test_what_was_sent_is_shown_where_the_operator_asks_for_it(said: Said) -> None:
    app = application(access=False)
    app.add_middleware(AccessMiddleware, metrics=Metrics(["direct"]), texts=True)
    await ask(app, json={**ITEM, SENT: 1})
    assert f"{SENT}: is not a field of this request" in said.line["detail"]
    app = application(StandInRuntime(StandInService([answer()])), access=False, log_texts=True)
    app.add_middleware(AccessMiddleware, metrics=Metrics(["direct"]), texts=True)
    await ask(app)
    assert said.lines[-1]["texts"] == [[ITEM["premise"], ITEM["choice1"], ITEM["choice2"]]]


async def test_a_path_at_which_there_is_nothing_is_shown_up_to_a_length(said: Said) -> None:
    await answer_of("GET", "/wp-admin/" + "x" * 1_000)
    assert said.line["route"] == "unmatched"
    assert said.line["path"] == "/wp-admin/" + "x" * 190


async def test_a_head_request_is_named_and_has_no_body(said: Said) -> None:
    await answer_of("HEAD", "/items/7")
    assert (said.line["method"], said.line["bytes"]) == ("HEAD", 0)


async def test_a_defect_leaves_its_line(said: Said) -> None:
    await answer_of("GET", "/broken")
    assert (said.line["level"], said.line["problem"]) == ("ERROR", "internal")


async def test_the_holder_of_a_key_is_named(said: Said, tmp_path: Path) -> None:
    app, metrics = small_application(), Metrics(["direct"])
    key = add_key(tmp_path / "keys", "alice")
    keys = KeysInForce(tmp_path / "keys", metrics)
    app.add_middleware(RequireKeyMiddleware, keys=keys, metrics=metrics)
    app.add_middleware(AccessMiddleware, metrics=metrics)
    async with client(app) as made:
        await made.get("/items/7", headers={"X-API-Key": key})
    assert said.line["key"] == "alice"
    assert key not in str(said.lines)


async def test_probes_leave_a_line_at_the_level_debug_alone(
    said: Said, caplog: pytest.LogCaptureFixture
) -> None:
    await answer_of("GET", "/livez")
    assert said.lines == []
    caplog.set_level(logging.DEBUG)
    await answer_of("GET", "/livez")
    assert (said.line["level"], said.line["route"]) == ("DEBUG", "/livez")


def test_the_level_says_whose_fault_it_is() -> None:
    by_level = {
        status: logging.getLevelName(level_of(status))
        for status in (200, 404, 422, 499, 429, 500, 501, 503, 504)
    }
    assert by_level == {
        **dict.fromkeys((200, 404, 422, 499), "INFO"),
        **dict.fromkeys((429, 501, 503, 504), "WARNING"),
        500: "ERROR",
    }


# Server-Timing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/items/7", "/items/seven", "/nowhere", "/broken", "/livez"])
async def test_every_answer_says_how_long_it_took(path: str) -> None:
    response, _ = await answer_of("GET", path)
    assert re.fullmatch(r"total;dur=\d+\.\d{3}", response.headers["server-timing"])


def test_it_has_the_stages_that_a_call_has_reached_in_their_order() -> None:
    assert server_timing(Stages(tokenise=0.001, queue=0.0205), 0.25) == (
        b"tokenise;dur=1.000, queue;dur=20.500, total;dur=250.000"
    )
    whole = Stages(0.001, 0.002, 0.003, 0.004, ("budget", "drained"))
    assert server_timing(whole, 0.25) == (
        b"admission;dur=1.000, tokenise;dur=2.000, queue;dur=3.000, inference;dur=4.000, "
        b'total;dur=250.000, batch;desc="budget drained"'
    )
