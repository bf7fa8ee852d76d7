"""Three variants on a real service, one of them of a file: routes and metrics have them all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.server import ServerProcess, running
from tests.sample import sample_items

NAMES = ["direct", "stilts", "mnli-2"]
PROMPT = {"cause": "Why?", "effect": "So?", "order": "premise-first"}
ITEM = sample_items()[0]
LIMIT_S = 30


@pytest.fixture(scope="module")
def client(
    tiny_direct: Path, tiny_stilts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """The third has the weights of ``direct`` and other words."""
    file = tmp_path_factory.mktemp("variants") / "models.toml"
    file.write_text(
        f'[models.MNLI-2]\nsource = "{tiny_direct}"\nweight = 3\n'
        'prompt = {cause = "Why?", effect = "So?"}\nshadow_of = "direct"\nshare = 1\n',
        encoding="utf-8",
    )
    with running(
        XCOPA_MODELS__DIRECT=str(tiny_direct),
        XCOPA_MODELS__STILTS=str(tiny_stilts),
        XCOPA_MODELS_FILE=str(file),
        XCOPA_DEFAULT_MODEL="mnli-2",
    ) as made:
        yield made


@pytest.fixture(scope="module")
def cards(client: httpx.Client) -> dict[str, Any]:
    return {card["name"]: card for card in client.get("/models").json()["models"]}


def test_the_models_are_listed_with_what_the_file_says(cards: dict[str, Any]) -> None:
    assert list(cards) == NAMES
    assert cards["mnli-2"]["prompt"] == PROMPT
    assert {name: card["weight"] for name, card in cards.items()} == dict.fromkeys(NAMES, 1) | {
        "mnli-2": 3
    }
    assert [name for name, card in cards.items() if card["default"]] == ["mnli-2"]


def test_other_words_are_another_revision_and_another_answer(
    client: httpx.Client, cards: dict[str, Any]
) -> None:
    assert len({card["revision"] for card in cards.values()}) == 3
    said = client.post("/compare/xcopa", json=ITEM).json()["predictions"]
    assert said["mnli-2"]["logits"] != said["direct"]["logits"]


@pytest.mark.parametrize("model", [*NAMES, None])
def test_each_route_asks_the_model_that_is_named_else_the_default(
    client: httpx.Client, model: str | None
) -> None:
    named = {} if model is None else {"model": model}
    expected = model or "mnli-2"
    one = client.post("/predict/xcopa", json={**ITEM, **named}).json()
    [batched] = client.post("/predict/xcopa/batch", json={"items": [ITEM], **named}).json()[
        "predictions"
    ]
    ranked = client.post(
        "/rank",
        json={
            "premise": ITEM["premise"],
            "question": ITEM["question"],
            "choices": [ITEM["choice1"], ITEM["choice2"]],
            **named,
        },
    ).json()
    assert {each["model"] for each in (one, batched, ranked)} == {expected}
    assert batched["logits"] == pytest.approx(one["logits"], abs=1e-4)
    assert ranked["logits"] == pytest.approx(one["logits"], abs=1e-4)


@pytest.mark.parametrize("path", ["/predict/xcopa", "/predict/xcopa/batch", "/rank"])
@pytest.mark.parametrize("name", ["large", "MNLI-2", ""])
def test_another_name_is_refused_with_those_that_there_are(
    client: httpx.Client, path: str, name: str
) -> None:
    bodies: dict[str, dict[str, object]] = {
        "/predict/xcopa": {**ITEM},
        "/predict/xcopa/batch": {"items": [ITEM]},
        "/rank": {"premise": "a", "question": "cause", "choices": ["b", "c"]},
    }
    response = client.post(path, json={**bodies[path], "model": name})
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"field": "model", "message": "must be 'direct', 'stilts' or 'mnli-2'"}
    ]


@pytest.mark.parametrize(
    ("query", "asked"), [("", NAMES), ("?models=mnli-2,direct", ["mnli-2", "direct"])]
)
def test_a_comparison_asks_all_or_those_that_are_named(
    client: httpx.Client, query: str, asked: list[str]
) -> None:
    said = client.post(f"/compare/xcopa{query}", json=ITEM).json()
    assert list(said["predictions"]) == asked
    labels = {each["label"] for each in said["predictions"].values()}
    assert said["agree"] is (len(labels) == 1)


def test_the_open_inference_protocol_has_them(client: httpx.Client, cards: dict[str, Any]) -> None:
    assert client.get("/v2/models/mnli-2").json()["versions"] == [cards["mnli-2"]["revision"]]
    assert client.get("/v2/models/mnli-2/ready").json() == {"name": "mnli-2", "ready": True}
    inputs = [
        {"name": name, "shape": [1], "datatype": "BYTES", "data": [ITEM[name]]}
        for name in ("premise", "choice1", "choice2", "question")
    ]
    said = client.post("/v2/models/mnli-2/infer", json={"inputs": inputs}).json()
    assert said["model_name"] == "mnli-2"
    unknown = client.post("/v2/models/large/infer", json={"inputs": inputs})
    assert unknown.status_code == 404
    assert "direct and stilts and mnli-2" in unknown.json()["error"]


def test_metrics_count_by_these_names_and_no_other(client: httpx.Client) -> None:
    client.post("/predict/xcopa", json={**ITEM, "model": "large"})
    client.post("/compare/xcopa?models=large", json=ITEM)
    client.get("/v2/models/large/ready")
    families = text_string_to_metric_families(client.get("/metrics").text)
    labels = {
        sample.labels["model"]
        for family in families
        for sample in family.samples
        if "model" in sample.labels
    }
    assert labels == {*NAMES, "several"}


def test_the_description_has_their_names(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    again = client.get("/openapi.json").json()
    assert described == again
    schemas = described["components"]["schemas"]
    for request in ("PredictRequest", "BatchRequest", "RankRequest"):
        assert schemas[request]["properties"]["model"]["anyOf"][0]["enum"] == NAMES
    said = schemas["PredictRequest"]["properties"]["model"]["description"]
    assert said == "`direct`, `stilts` or `mnli-2`."
    [parameter] = described["paths"]["/compare/xcopa"]["post"]["parameters"]
    assert parameter["schema"]["items"]["enum"] == NAMES


def test_a_source_of_the_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text('[models.mnli]\nsource = "./nothing"\n', encoding="utf-8")
    with ServerProcess(XCOPA_MODELS_FILE=str(file), XCOPA_MODELS__DIRECT="none") as server:
        status = server.exit_status()
    [line] = [line for line in server.output if line.startswith("xcopa cannot start: ")]
    assert status == 1
    assert f"XCOPA_MODELS_FILE: {file}: models.mnli: '{tmp_path}/nothing' is not a direct" in line


def test_a_shadow_is_asked_what_another_model_was_asked(client: httpx.Client) -> None:
    def asked() -> float:
        families = text_string_to_metric_families(client.get("/metrics").text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "xcopa_shadow_items_total" and sample.labels["result"] != "dropped"
        )

    give_up = time.monotonic() + LIMIT_S
    before = asked()
    while asked() == before and time.monotonic() < give_up:
        answer = client.post("/predict/xcopa", json={**ITEM, "model": "direct"}).json()
        assert answer["model"] == "direct"
    assert asked() > before
