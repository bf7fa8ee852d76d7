"""From a list of choices to one ask and from its answer to an order, on a stand-in service."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from app.engine.tokenizer import RankItem
from app.errors import InferenceError, OverloadedError, ServiceError
from app.serving.answer import Answer, Ask, StageTimes, answer
from tests.app.api.stand_in import StandInRuntime, StandInService, application, ask

pytestmark = pytest.mark.anyio

BODY: dict[str, Any] = {
    "premise": "The street lights went out.",
    "choices": ["A storm came.", "It was noon.", "The sun rose."],
    "question": "cause",
}
ITEM = RankItem(BODY["premise"], tuple(BODY["choices"]), "cause")
TIMES = StageTimes(0.001, 0.002, 0.003, "drained")


async def ranked(
    body: object, *outcomes: Answer | ServiceError, **settings: Any
) -> tuple[httpx.Response, StandInService]:
    service = StandInService(outcomes)
    return await ask(application(StandInRuntime(service), **settings), "/rank", body), service


def logits(*values: float) -> Answer:
    return answer(values, "stilts", SimpleNamespace(revision="rev", temperature=1.0), TIMES)


async def test_the_choices_are_ordered_by_their_logits_best_first() -> None:
    response, service = await ranked(BODY, logits(0.5, 2.0, 1.0))
    said = response.json()
    assert said["order"] == [1, 2, 0]
    assert said["logits"] == [0.5, 2.0, 1.0]
    assert sum(said["probabilities"]) == pytest.approx(1)
    assert set(said) == {"order", "logits", "probabilities", "model", "revision", "request_id"}
    assert (said["model"], said["revision"]) == ("stilts", "rev")
    assert "tokenise;dur=1.000, queue;dur=2.000" in response.headers["server-timing"]
    [(asks, _, _)] = service.calls
    assert asks == [Ask(ITEM, "stilts")]


async def test_of_equal_choices_the_first_is_first_as_in_a_label() -> None:
    tied = logits(1.0, 1.0, 1.0)
    response, _ = await ranked(BODY, tied)
    assert response.json()["order"] == [0, 1, 2]
    assert response.json()["order"][0] == tied.label


@pytest.mark.parametrize("model", ["direct", "stilts"])
async def test_the_model_that_is_named_is_asked(model: str) -> None:
    _, service = await ranked({**BODY, "model": model}, logits(1.0, 2.0, 3.0))
    [([asked], _, _)] = service.calls
    assert asked.model == model


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"choices": []}, "choices", "must not be empty"),
        ({"choices": ["one"]}, "choices", "has 1 entries; send at least 2"),
        ({"choices": ["one"] * 33}, "choices", "has 33 entries; send at most 32"),
        ({"choices": "one"}, "choices", "must be a list"),
        ({"choices": ["one", " "]}, "choices.1", "must not be blank"),
        ({"choices": ["one", None]}, "choices.1", "must be a string"),
        ({"choice1": "one"}, "choice1", "is not a field"),
        ({"question": "why"}, "question", "'cause' or 'effect'"),
        ({"model": "large"}, "model", "'direct' or 'stilts'"),
    ],
)
async def test_bad_input_names_the_field_and_the_fix(
    change: dict[str, Any], field: str, says: str
) -> None:
    response, service = await ranked({**BODY, **change})
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["field"] == field
    assert says in error["message"]
    assert service.calls == []


async def test_a_premise_that_many_choices_repeat_is_limited_as_a_body_is() -> None:
    body = {**BODY, "premise": "x" * 400, "choices": ["y"] * 3}
    response, service = await ranked(body, max_body_bytes=1_202)
    assert response.status_code == 413
    assert "1203 characters" in response.json()["detail"]
    assert service.calls == []
    response, _ = await ranked(body, logits(1.0, 2.0, 3.0), max_body_bytes=1_203)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [(InferenceError("failed"), 500), (OverloadedError("full", retry_after=3), 429)],
)
async def test_an_outcome_without_an_answer_is_a_problem(error: ServiceError, status: int) -> None:
    response, _ = await ranked(BODY, error)
    assert response.status_code == status
    assert response.json()["instance"] == "/rank"
