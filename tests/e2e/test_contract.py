"""The HTTP contract, on the shipped models over a real socket."""

from __future__ import annotations

import json
import math
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.sample import sample_items

ITEM = {
    "premise": "The girl found a bug in her cereal.",
    "choice1": "She poured milk in the bowl.",
    "choice2": "She lost her appetite.",
    "question": "effect",
}
MODELS = ("direct", "stilts")
EVERY_LANGUAGE = sample_items()


def check_prediction(prediction: dict[str, Any], model: str) -> None:
    assert set(prediction) == {
        *("label", "probabilities", "logits", "model", "revision", "request_id")
    }
    assert prediction["model"] == model
    assert math.isclose(sum(prediction["probabilities"]), 1, abs_tol=1e-9)
    assert prediction["label"] == max((0, 1), key=prediction["logits"].__getitem__)
    assert re.fullmatch(r"[0-9a-f]{12}", prediction["revision"])


def check_problem(
    response: httpx.Response, status: int, field: str | None = None
) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:xcopa:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == response.request.url.path
    assert problem["request_id"] == response.headers["x-request-id"]
    if field is not None:
        assert field in [error["field"] for error in problem["errors"]], problem
    return problem


@pytest.mark.parametrize("model", MODELS)
def test_predict_answers_with_the_model_that_was_asked(client: httpx.Client, model: str) -> None:
    response = client.post("/predict/xcopa", json={**ITEM, "model": model})
    assert response.status_code == 200
    check_prediction(response.json(), model)
    timing = response.headers["server-timing"]
    names = ("admission", "tokenise", "queue", "inference", "total")
    stages = ", ".join(rf"{stage};dur=[\d.]+" for stage in names)
    assert re.fullmatch(stages + ', batch;desc="drained"', timing)


def test_the_default_model_is_the_one_that_models_says(client: httpx.Client) -> None:
    cards = client.get("/models").json()["models"]
    assert [card["name"] for card in cards] == list(MODELS)
    [default] = [card for card in cards if card["default"]]
    prediction = client.post("/predict/xcopa", json=ITEM).json()
    check_prediction(prediction, default["name"])
    assert prediction["revision"] == default["revision"]
    assert default["max_tokens"] == 512


def test_the_two_models_are_two(client: httpx.Client) -> None:
    direct, stilts = client.get("/models").json()["models"]
    assert direct["revision"] != stilts["revision"]
    compared = client.post("/compare/xcopa", json=ITEM).json()["predictions"]
    assert compared["direct"]["logits"] != compared["stilts"]["logits"]


def test_compare_gives_what_each_model_gives_alone(client: httpx.Client) -> None:
    compared = client.post("/compare/xcopa", json=ITEM).json()
    labels = set()
    for model in MODELS:
        alone = client.post("/predict/xcopa", json={**ITEM, "model": model}).json()
        check_prediction(compared["predictions"][model], model)
        assert compared["predictions"][model]["logits"] == pytest.approx(alone["logits"], abs=1e-4)
        labels.add(alone["label"])
    assert compared["agree"] is (len(labels) == 1)


def test_a_batch_answers_in_order_what_lone_calls_answer(client: httpx.Client) -> None:
    response = client.post(
        "/predict/xcopa/batch", json={"items": EVERY_LANGUAGE, "model": "direct"}
    )
    predictions = response.json()["predictions"]
    assert len(predictions) == len(EVERY_LANGUAGE)
    for item, prediction in zip(EVERY_LANGUAGE, predictions, strict=True):
        check_prediction(prediction, "direct")
        alone = client.post("/predict/xcopa", json={**item, "model": "direct"}).json()
        assert prediction["logits"] == pytest.approx(alone["logits"], abs=1e-4)


def test_concurrent_calls_get_what_lone_calls_get(client: httpx.Client) -> None:
    bodies = [{**item, "model": model} for item in EVERY_LANGUAGE for model in MODELS]
    alone = [client.post("/predict/xcopa", json=body).json() for body in bodies]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda body: client.post("/predict/xcopa", json=body), bodies))
    for one, other in zip(alone, together, strict=True):
        assert other.status_code == 200
        answer = other.json()
        assert answer["logits"] == pytest.approx(one["logits"], abs=1e-4)
        assert (answer["label"], answer["model"], answer["revision"]) == (
            *(one["label"], one["model"]),
            one["revision"],
        )


def test_the_order_of_the_choices_is_the_order_of_the_answer(client: httpx.Client) -> None:
    one = client.post("/predict/xcopa", json=ITEM).json()
    swapped = {**ITEM, "choice1": ITEM["choice2"], "choice2": ITEM["choice1"]}
    other = client.post("/predict/xcopa", json=swapped).json()
    assert other["logits"] == pytest.approx(one["logits"][::-1], abs=1e-4)


BAD_FIELDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("empty premise", {"premise": ""}, "premise", "blank"),
    ("blank choice", {"choice1": " \t\n"}, "choice1", "blank"),
    ("invisible choice", {"choice2": "\u200b\u00ad"}, "choice2", "blank"),
    ("unknown question", {"question": "why"}, "question", "'cause' or 'effect'"),
    ("unknown model", {"model": "large"}, "model", "'direct' or 'stilts'"),
    ("unknown field", {"premisse": "x"}, "premisse", "not a field"),
    ("number for text", {"premise": 7}, "premise", "string"),
    ("null for text", {"choice1": None}, "choice1", "string"),
    ("list for text", {"choice2": ["x"]}, "choice2", "string"),
    ("too long", {"premise": "word " * 600}, "premise", "512 at most"),
]


@pytest.mark.parametrize(
    ("change", "field", "says"), [case[1:] for case in BAD_FIELDS], ids=[c[0] for c in BAD_FIELDS]
)
def test_bad_input_names_the_field_and_the_fix(
    client: httpx.Client, change: dict[str, Any], field: str, says: str
) -> None:
    problem = check_problem(client.post("/predict/xcopa", json={**ITEM, **change}), 422, field)
    assert says in problem["detail"]
    if "model" not in change:
        check_problem(client.post("/compare/xcopa", json={**ITEM, **change}), 422, field)


@pytest.mark.parametrize("field", ITEM)
def test_a_missing_field_is_named(client: httpx.Client, field: str) -> None:
    body = {name: value for name, value in ITEM.items() if name != field}
    problem = check_problem(client.post("/predict/xcopa", json=body), 422, field)
    assert "is required" in problem["detail"]


def test_every_wrong_field_is_named_at_once(client: httpx.Client) -> None:
    response = client.post("/predict/xcopa", json={"premise": "", "choice1": 1, "x": 2})
    fields = {error["field"] for error in check_problem(response, 422)["errors"]}
    assert fields == {"premise", "choice1", "choice2", "question", "x"}


def test_a_body_of_nothing_but_wrong_fields_gets_a_short_answer(client: httpx.Client) -> None:
    body = {**ITEM, **{f"x{number}": 1 for number in range(20_000)}}
    response = client.post("/predict/xcopa", json=body)
    assert "more" in check_problem(response, 422)["detail"]
    assert len(response.content) < 10_000


RAW_BODIES = [
    ("invalid JSON", b'{"premise": "a",', "not valid JSON"),
    ("invalid UTF-8", b'{"premise": "\xff\xfe"}', "not UTF-8"),
    ("nothing", b"", "required"),
    ("not an object", b"[1, 2]", "JSON object"),
    ("nested too deeply", b"[" * 100_000, "nested too deeply"),
    ("a number too long", b"1" * 10_000, "not valid JSON"),
]


@pytest.mark.parametrize(
    ("body", "says"), [case[1:] for case in RAW_BODIES], ids=[case[0] for case in RAW_BODIES]
)
def test_a_body_that_is_no_json_object_is_refused(
    client: httpx.Client, body: bytes, says: str
) -> None:
    for path in ("/predict/xcopa", "/predict/xcopa/batch", "/compare/xcopa"):
        response = client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert says in check_problem(response, 422, "body")["detail"]


def test_a_lone_surrogate_is_refused_where_it_stands(client: httpx.Client) -> None:
    body = json.dumps({**ITEM, "choice2": "\ud800"})
    response = client.post(
        "/predict/xcopa", content=body, headers={"Content-Type": "application/json"}
    )
    assert "surrogate" in check_problem(response, 422, "choice2")["detail"]


def test_a_lone_surrogate_in_a_field_name_is_refused(client: httpx.Client) -> None:
    body = json.dumps({**ITEM, "\udfff": 1})
    response = client.post(
        "/predict/xcopa", content=body, headers={"Content-Type": "application/json"}
    )
    check_problem(response, 422)


def test_a_body_over_the_limit_is_413_declared_or_not(client: httpx.Client) -> None:
    big = json.dumps({**ITEM, "premise": "x" * 2_000_000}).encode()
    headers = {"Content-Type": "application/json"}
    check_problem(client.post("/predict/xcopa", content=big, headers=headers), 413)
    chunks = (big[start : start + 65536] for start in range(0, len(big), 65536))
    check_problem(client.post("/predict/xcopa", content=chunks, headers=headers), 413)


def test_a_body_that_is_not_declared_as_json_is_415(client: httpx.Client) -> None:
    response = client.post("/predict/xcopa", content=json.dumps(ITEM).encode())
    assert "application/json" in check_problem(response, 415)["detail"]


def test_a_bad_item_leaves_its_neighbours_their_answers(client: httpx.Client) -> None:
    items = [ITEM, {**ITEM, "premise": " "}, "text", {**ITEM, "choice1": "x " * 600}, ITEM]
    response = client.post("/predict/xcopa/batch", json={"items": items, "model": "stilts"})
    assert response.status_code == 200
    first, blank, no_object, long, last = response.json()["predictions"]
    check_prediction(first, "stilts")
    check_prediction(last, "stilts")
    named = [entry["error"]["errors"][0]["field"] for entry in (blank, no_object, long)]
    assert named == ["items.1.premise", "items.2", "items.3.choice1"]
    assert {entry["error"]["status"] for entry in (blank, no_object, long)} == {422}


def test_a_batch_of_bad_items_alone_is_refused_and_names_each(client: httpx.Client) -> None:
    items = [{**ITEM, "premise": " "}, {**ITEM, "question": "why"}]
    response = client.post("/predict/xcopa/batch", json={"items": items})
    fields = [error["field"] for error in check_problem(response, 422)["errors"]]
    assert fields == ["items.0.premise", "items.1.question"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "items"),
        ({"items": []}, "items"),
        ({"items": ITEM}, "items"),
        ({"items": [ITEM], "model": "large"}, "model"),
        ({"items": [ITEM], "itens": 1}, "itens"),
    ],
)
def test_a_batch_that_is_none_is_refused(
    client: httpx.Client, body: dict[str, Any], field: str
) -> None:
    check_problem(client.post("/predict/xcopa/batch", json=body), 422, field)


def test_a_batch_with_too_many_items_is_413(client: httpx.Client) -> None:
    response = client.post("/predict/xcopa/batch", json={"items": [ITEM] * 257})
    assert "256" in check_problem(response, 413)["detail"]


def test_a_deadline_that_cannot_be_met_is_504(client: httpx.Client) -> None:
    response = client.post("/predict/xcopa", json=ITEM, headers={"X-Request-Timeout-Ms": "0.001"})
    check_problem(response, 504)


@pytest.mark.parametrize("value", ["soon", "-1", "0", "nan", "inf"])
def test_a_deadline_that_is_no_number_names_the_header(client: httpx.Client, value: str) -> None:
    response = client.post("/predict/xcopa", json=ITEM, headers={"X-Request-Timeout-Ms": value})
    check_problem(response, 422, "X-Request-Timeout-Ms")


def test_the_request_id_is_echoed_or_made(client: httpx.Client) -> None:
    given = client.post("/predict/xcopa", json=ITEM, headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == given.json()["request_id"] == "abc-1"
    made = client.post("/predict/xcopa", json=ITEM)
    assert made.headers["x-request-id"] == made.json()["request_id"] != ""


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/predict/xcopa", 405)])
def test_other_paths_and_methods_explain_themselves(
    client: httpx.Client, path: str, status: int
) -> None:
    check_problem(client.get(path), status)


@pytest.mark.parametrize("probe", ["/livez", "/readyz", "/startupz"])
def test_probes_of_a_ready_service_are_200(client: httpx.Client, probe: str) -> None:
    assert client.get(probe).status_code == 200


def test_the_api_describes_itself(client: httpx.Client) -> None:
    page = client.get("/docs").text
    scripts = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert scripts
    for script in scripts:
        assert script.startswith("/"), "the page must open where nothing else is reached"
        assert client.get(script).status_code == 200
    described = client.get("/openapi.json").json()
    body = described["paths"]["/predict/xcopa"]["post"]["requestBody"]
    assert "PredictRequest" in json.dumps(body)
    assert "Item" in described["components"]["schemas"]


def test_metrics_count_what_was_asked(client: httpx.Client) -> None:
    def sample(name: str, **labels: str) -> float:
        families = text_string_to_metric_families(client.get("/metrics").text)
        samples = [s for family in families for s in family.samples]
        [value] = [s.value for s in samples if s.name == name and s.labels == labels]
        return value

    answered = {"model": "direct", "outcome": "answered"}
    before = sample("xcopa_items_total", **answered)
    batches = sample("xcopa_batch_duration_seconds_count", model="direct")
    client.post("/predict/xcopa", json={**ITEM, "model": "direct"})
    client.post("/predict/xcopa", json={**ITEM, "model": "stilts"})
    assert sample("xcopa_items_total", **answered) == before + 1
    assert sample("xcopa_batch_duration_seconds_count", model="direct") == batches + 1
    asked = {"model": "stilts", "route": "/predict/xcopa"}
    for stage in ("request", "admission", "queue", "tokenise", "inference"):
        assert sample(f"xcopa_{stage}_duration_seconds_count", **asked) > 0
    assert sample("xcopa_batch_rows_sum", model="direct") >= 2
    assert sample("xcopa_queue_items", model="direct") == 0
    assert sample("xcopa_ready") == 1
