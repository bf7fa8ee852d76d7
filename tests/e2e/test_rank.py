"""``POST /rank`` over a real socket."""

from __future__ import annotations

import itertools

import httpx
import pytest

from tests.e2e.test_contract import check_problem
from tests.sample import sample_items

MODELS = ("direct", "stilts")
ITEMS = sample_items()
CHOICES = list(itertools.chain.from_iterable((i["choice1"], i["choice2"]) for i in ITEMS))


@pytest.mark.parametrize("model", MODELS)
def test_a_ranking_of_two_choices_is_the_prediction(tiny_client: httpx.Client, model: str) -> None:
    for item in ITEMS[:6]:
        predicted = tiny_client.post("/predict/xcopa", json={**item, "model": model}).json()
        asked = {name: item[name] for name in ("premise", "question")}
        choices = [item["choice1"], item["choice2"]]
        ranked = tiny_client.post(
            "/rank", json={**asked, "choices": choices, "model": model}
        ).json()
        for name in ("logits", "probabilities"):
            assert ranked[name] == pytest.approx(predicted[name], abs=1e-4)
        assert ranked["order"][0] == predicted["label"]
        assert (ranked["model"], ranked["revision"]) == (model, predicted["revision"])


def test_each_of_many_choices_has_the_logit_that_it_has_in_a_pair(
    tiny_client: httpx.Client,
) -> None:
    asked = {"premise": "The street lights went out.", "question": "cause"}
    many = tiny_client.post("/rank", json={**asked, "choices": CHOICES[:32]})
    assert many.status_code == 200, many.text
    ranked = many.json()
    for first in range(0, len(ranked["logits"]), 2):
        pair = {"choice1": CHOICES[first], "choice2": CHOICES[first + 1]}
        alone = tiny_client.post("/predict/xcopa", json={**asked, **pair}).json()
        assert ranked["logits"][first : first + 2] == pytest.approx(alone["logits"], abs=1e-4)
    assert sorted(ranked["order"]) == list(range(len(ranked["logits"])))
    in_order = [ranked["logits"][choice] for choice in ranked["order"]]
    assert in_order == sorted(in_order, reverse=True)
    assert sum(ranked["probabilities"]) == pytest.approx(1)
    assert ranked["request_id"] == many.headers["x-request-id"]


def test_limits_and_deadlines_are_those_of_other_calls(tiny_client: httpx.Client) -> None:
    body = {"premise": "It got dark.", "question": "cause", "choices": ["A storm came.", "Noon."]}
    check_problem(
        tiny_client.post("/rank", json={**body, "choices": ["One."] * 33}), 422, "choices"
    )
    long = {**body, "choices": ["Noon.", "word " * 600]}
    check_problem(tiny_client.post("/rank", json=long), 422, "choices.1")
    late = tiny_client.post("/rank", json=body, headers={"X-Request-Timeout-Ms": "0.001"})
    check_problem(late, 504)
    check_problem(
        tiny_client.post("/rank", content=b"x", headers={"Content-Type": "text/plain"}), 415
    )
