"""From tensors to asks and from answers to tensors, on a stand-in for the service."""

from __future__ import annotations

import json
import struct
from typing import Any

import httpx
import pytest

from app.engine.tokenizer import CausalItem
from app.errors import (
    DeadlineExceededError,
    FieldError,
    InferenceError,
    OverloadedError,
    ServiceError,
    TextTooLongError,
)
from app.serving.answer import Answer, Ask
from tests.app.api.stand_in import StandInRuntime, StandInService, answer, application, client

pytestmark = pytest.mark.anyio

ROW = {
    "premise": "The street lights went out.",
    "choice1": "A storm came.",
    "choice2": "It was noon.",
    "question": "cause",
}
CAUSAL = CausalItem(**ROW)


class Variant:
    """As much of a variant as the protocol names."""

    revision = "abc"


class Card:
    variant = Variant()


def tensor(name: str, data: object, **changes: Any) -> dict[str, Any]:
    shape = [len(data)] if isinstance(data, list) else [1]
    return {"name": name, "shape": shape, "datatype": "BYTES", "data": data, **changes}


def inputs(count: int = 1, **changes: object) -> list[dict[str, Any]]:
    return [tensor(name, changes.get(name, [text] * count)) for name, text in ROW.items()]


async def infer(
    body: object,
    *outcomes: Answer | ServiceError,
    path: str = "/v2/models/stilts/infer",
    headers: dict[str, str] | None = None,
    **settings: Any,
) -> tuple[httpx.Response, StandInService]:
    service = StandInService(outcomes)
    served = {"direct": Card(), "stilts": Card()}
    app = application(StandInRuntime(service, served=served), **settings)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with client(app) as made:
        return await made.post(path, content=content, headers=headers), service


def refused(response: httpx.Response, status: int = 400) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    said = response.json()
    assert set(said) == {"error"}
    return str(said["error"])


# Answers ---------------------------------------------------------------------------------------


async def test_an_answer_is_every_output_of_every_item_in_order() -> None:
    response, service = await infer({"id": "7", "inputs": inputs(2)}, answer(), answer(label=1))
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "model_name": "stilts",
        "model_version": "revision-of-stilts",
        "id": "7",
        "outputs": [
            {"name": "logits", "datatype": "FP32", "shape": [2, 2], "data": [1, -1, -1, 1]},
            {
                "name": "probabilities",
                "datatype": "FP32",
                "shape": [2, 2],
                "data": [0.75, 0.25, 0.25, 0.75],
            },
            {"name": "label", "datatype": "INT64", "shape": [2], "data": [0, 1]},
        ],
    }
    assert '"data":[0,1]' in response.text, "a label is written as an integer"
    assert "server-timing" in response.headers
    [(asks, _, _)] = service.calls
    assert asks == [Ask(CAUSAL, "stilts")] * 2


async def test_without_an_id_none_is_made_up() -> None:
    response, _ = await infer({"inputs": inputs()}, answer())
    assert "id" not in response.json()


async def test_the_caller_and_the_deadline_are_read_from_the_headers() -> None:
    headers = {"X-Request-Timeout-Ms": "250", "X-API-Key": "mine"}
    _, service = await infer({"inputs": inputs()}, answer(), headers=headers)
    [(_, timeout, caller)] = service.calls
    assert timeout == 0.25
    assert caller.name.startswith("key:")


@pytest.mark.parametrize("data", [["a", "b"], [["a"], ["b"]]], ids=["flat", "nested"])
@pytest.mark.parametrize("shape", [[2], [2, 1]])
async def test_a_column_may_have_two_dimensions_and_its_data_one(
    data: list[Any], shape: list[int]
) -> None:
    columns = [tensor(name, [text, text], shape=shape) for name, text in ROW.items()]
    columns[0] = tensor("premise", data, shape=shape)
    _, service = await infer({"inputs": columns}, answer(), answer())
    [(asks, _, _)] = service.calls
    assert [ask.item.premise for ask in asks] == ["a", "b"]


async def test_what_the_protocol_does_not_name_is_ignored_and_null_is_nothing() -> None:
    columns = [{**each, "parameters": None, "x": 1} for each in inputs()]
    body = {"model_name": "x", "parameters": None, "outputs": None, "id": None, "inputs": columns}
    response, _ = await infer(body, answer())
    assert response.status_code == 200
    assert len(response.json()["outputs"]) == 3


# Binary data -----------------------------------------------------------------------------------


def elements(*texts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def behind(*tails: tuple[str, bytes], **more: object) -> tuple[bytes, dict[str, str]]:
    """Return a body in which some inputs are binary, and its header."""
    binary = dict(tails)
    columns: list[dict[str, Any]] = []
    for each in inputs():
        if (data := binary.get(each["name"])) is not None:
            del each["data"]
            each["parameters"] = {"binary_data_size": len(data)}
        columns.append(each)
    message = json.dumps({"inputs": columns, **more}).encode()
    header = {"Inference-Header-Content-Length": str(len(message))}
    return message + b"".join(data for _, data in tails), header


async def test_inputs_may_be_text_and_binary_in_one_call() -> None:
    premise = "Fünf Türen."
    body, headers = behind(
        ("premise", elements(premise.encode())), ("question", elements(b"effect"))
    )
    response, service = await infer(body, answer(), headers=headers)
    assert response.status_code == 200, response.text
    [([ask], _, _)] = service.calls
    assert ask.item == CausalItem(premise, ROW["choice1"], ROW["choice2"], "effect")


async def test_outputs_come_in_the_form_that_is_asked_for() -> None:
    body = {
        "inputs": inputs(),
        "parameters": {"binary_data_output": True},
        "outputs": [
            {"name": "label"},
            {"name": "logits", "parameters": {"binary_data": False}},
            {"name": "probabilities", "parameters": {"binary_data": True}},
        ],
    }
    response, _ = await infer(body, answer(label=1))
    assert response.headers["content-type"] == "application/octet-stream"
    end = int(response.headers["inference-header-content-length"])
    label, logits, probabilities = json.loads(response.content[:end])["outputs"]
    assert label["parameters"] == {"binary_data_size": 8}
    assert probabilities["parameters"] == {"binary_data_size": 8}
    assert logits["data"] == [-1, 1]
    assert "data" not in label
    assert response.content[end:] == struct.pack("<q", 1) + struct.pack("<ff", 0.25, 0.75)
    assert int(response.headers["content-length"]) == len(response.content)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x09\x00\x00\x00short", "premise[0]: ends within an element"),
        (b"\x01\x00", "premise[0]: ends within an element"),
        (elements(b"a") + b"\xff\xff\xff\xff", "premise[1]: ends within an element"),
        (elements(b"\xff"), "premise[0]: byte 0 is not UTF-8"),
        (elements(b"a", b"b"), "inputs.premise.data: has 2 elements and its shape is [1]"),
        (b"", "inputs.premise.data: has 0 elements"),
    ],
)
async def test_binary_data_that_is_damaged_is_refused(data: bytes, says: str) -> None:
    body, headers = behind(("premise", data))
    response, service = await infer(body, headers=headers)
    assert says in refused(response)
    assert service.calls == []


@pytest.mark.parametrize("value", ["-1", "x", "1e3", "99999", ""])
async def test_a_json_length_that_is_none_names_the_header(value: str) -> None:
    headers = {"Inference-Header-Content-Length": value}
    response, _ = await infer({"inputs": inputs()}, headers=headers)
    assert "Inference-Header-Content-Length" in refused(response)


@pytest.mark.parametrize("size", [-1, 10_000, "5", 1.5, True, None])
async def test_a_size_that_is_none_names_its_input(size: object) -> None:
    columns = inputs()
    columns[1]["parameters"] = {"binary_data_size": size}
    response, _ = await infer({"inputs": columns})
    assert "choice1.binary_data_size" in refused(response)


async def test_bytes_that_belong_to_no_input_are_refused() -> None:
    body, headers = behind(("premise", elements(b"a")))
    response, _ = await infer(body + b"xyz", headers=headers)
    assert "3 bytes behind the JSON" in refused(response)


# Refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (inputs()[:3], "inputs.question: is required"),
        ([*inputs(), tensor("idx", ["1"])], "inputs.idx: is no input"),
        ([*inputs(), inputs()[0]], "inputs: name an input twice"),
        (inputs(premise=["a", "b"]), "inputs: must be of the same size"),
        (inputs(0), "inputs: must be of the same size, 1 at least"),
        (inputs(premise=[1]), "inputs.premise.data: must be strings"),
        (inputs(premise=[["a", "b"]]), "inputs.premise.data: must be strings"),
        (inputs(premise=[None]), "inputs.premise.data: must be strings"),
        ([tensor("premise", ["a"], datatype="FP32"), *inputs()[1:]], "datatype: must be BYTES"),
        ([tensor("premise", ["a"], shape=[1, 2]), *inputs()[1:]], "shape: must be [n] or [n, 1]"),
        ([tensor("premise", ["a"], shape=[]), *inputs()[1:]], "shape: must be [n] or [n, 1]"),
        ([tensor("premise", None), *inputs()[1:]], "inputs.premise.data: is required"),
        ("none", "inputs: must be a list"),
        ([1], "inputs.0: must be a JSON object"),
        (inputs(premise=[" "]), "premise[0]: must not be blank"),
        (inputs(premise=["a\ud800"]), "premise[0]: has a lone surrogate"),
        (inputs(question=["why"]), "question[0]: must be 'cause' or 'effect'"),
    ],
)
async def test_inputs_that_are_no_items_are_refused_by_name(columns: object, says: str) -> None:
    response, service = await infer({"inputs": columns})
    assert says in refused(response)
    assert service.calls == []


async def test_every_bad_item_is_named() -> None:
    columns = inputs(3, premise=["", "a", "b"], choice2=["a", "b", " "])
    response, _ = await infer({"inputs": columns})
    said = refused(response)
    assert "premise[0]: must not be blank" in said
    assert "choice2[2]: must not be blank" in said


async def test_a_text_that_no_model_can_read_is_named_by_its_place() -> None:
    long = TextTooLongError([FieldError("choice1", "is too long")])
    response, _ = await infer({"inputs": inputs(3)}, answer(), long, long)
    assert refused(response) == "choice1[1]: is too long; choice1[2]: is too long"


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (InferenceError("failed"), 500, None),
        (DeadlineExceededError("late"), 504, None),
        (OverloadedError("full", retry_after=2.2), 429, "3"),
    ],
)
async def test_an_item_without_an_answer_fails_the_call_with_its_status(
    error: ServiceError, status: int, retry_after: str | None
) -> None:
    response, _ = await infer({"inputs": inputs(2)}, answer(), error)
    refused(response, status)
    assert response.headers.get("retry-after") == retry_after


async def test_a_call_may_bring_as_many_items_as_a_batch() -> None:
    response, _ = await infer({"inputs": inputs(2)}, answer(), answer(), max_batch_items=2)
    assert response.status_code == 200
    response, service = await infer({"inputs": inputs(3)}, max_batch_items=2)
    assert "3 items" in refused(response, 413)
    assert service.calls == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/models/large/infer", 404),
        ("/v2/models/stilts/versions/1/infer", 404),
        ("/v2/models/stilts/versions/abc/infer", 200),
        ("/v2/nothing", 404),
        ("/v2/models/stilts", 405),
    ],
)
async def test_what_is_not_there_is_an_error_of_the_protocol(path: str, status: int) -> None:
    response, _ = await infer({"inputs": inputs()}, answer(), path=path)
    if status == 200:
        assert response.json()["model_version"] == "revision-of-stilts"
        return
    assert refused(response, status)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    response, _ = await infer(body)
    assert "body" in refused(response)


async def test_the_description_names_both_forms_of_a_body() -> None:
    paths = application().openapi()["paths"]
    for path in ("/v2/models/{name}/infer", "/v2/models/{name}/versions/{version}/infer"):
        described = paths[path]["post"]
        forms = {"application/json", "application/octet-stream"}
        # As a content type it would say that any bytes are a request.
        assert set(described["requestBody"]["content"]) == {"application/json"}
        assert "application/octet-stream" in described["description"]
        assert set(described["responses"]["200"]["content"]) == forms
        assert {"400", "404", "413", "429", "503", "504"} <= set(described["responses"])
