"""What goes over the wire: which texts and fields are taken, and which are not."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from app.api.schemas import BatchRequest, Item, ItemProblem, Prediction, PredictRequest, Problem
from app.settings import VARIANTS, ModelSources
from tests.app.api.stand_in import ITEM


def wrong_fields(body: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        PredictRequest.model_validate(body)
    return [".".join(map(str, error["loc"])) for error in refused.value.errors()]


@pytest.mark.parametrize(
    "text",
    ["A storm came.", "雷雨になった。", "i", " padded ", "tab\there", "👩‍🚀", "\u200bvisible"],
)
def test_a_text_that_shows_something_is_taken_as_it_is(text: str) -> None:
    assert Item.model_validate({**ITEM, "choice1": text}).choice1 == text


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u3000", "\u00a0", "\u200b", "\u2060\ufeff"])
def test_a_text_that_shows_nothing_is_blank(text: str) -> None:
    assert wrong_fields({**ITEM, "choice1": text}) == ["choice1"]


def test_a_lone_surrogate_is_no_text() -> None:
    with pytest.raises(ValidationError, match="lone surrogate"):
        Item.model_validate({**ITEM, "premise": "a\ud800"})


@pytest.mark.parametrize("value", [1, True, None, ["A storm came."], {"text": "A storm came."}])
def test_nothing_else_becomes_a_text(value: object) -> None:
    assert wrong_fields({**ITEM, "choice1": value}) == ["choice1"]


@pytest.mark.parametrize("question", ["cause", "effect"])
def test_a_question_is_cause_or_effect(question: str) -> None:
    assert Item.model_validate({**ITEM, "question": question}).question == question
    assert wrong_fields({**ITEM, "question": question.title()}) == ["question"]


def test_a_field_that_is_not_known_is_an_error_and_not_ignored() -> None:
    assert wrong_fields({**ITEM, "modle": "direct"}) == ["modle"]


def test_every_variant_may_be_named_and_nothing_else() -> None:
    named = [PredictRequest.model_validate({**ITEM, "model": name}).model for name in VARIANTS]
    assert named == list(VARIANTS)
    assert PredictRequest.model_validate(ITEM).model is None
    assert wrong_fields({**ITEM, "model": "Direct"}) == ["model"]
    assert set(VARIANTS) == set(ModelSources.model_fields)


@pytest.mark.parametrize("request_type", [PredictRequest, BatchRequest])
def test_the_description_lists_the_variants(request_type: type[PredictRequest]) -> None:
    described = request_type.model_json_schema()["properties"]["model"]
    assert described["anyOf"] == [{"enum": list(VARIANTS), "type": "string"}, {"type": "null"}]
    assert described["description"].startswith("`direct` or `stilts`")
    assert get_args(request_type.model_fields["model"].annotation)


@pytest.mark.parametrize("malformed", [{**ITEM, "choice1": ""}, {}, [], "item", 7, None])
def test_a_malformed_item_of_a_batch_is_kept_raw_beside_its_neighbours(malformed: object) -> None:
    batch = BatchRequest.model_validate({"items": [ITEM, malformed, ITEM]})
    assert [type(item) is Item for item in batch.items] == [True, False, True]
    assert batch.items[1] == malformed


def test_a_batch_has_an_item_at_least() -> None:
    with pytest.raises(ValidationError):
        BatchRequest.model_validate({"items": []})


def test_a_prediction_has_the_fields_of_the_contract() -> None:
    assert list(Prediction.model_fields) == [
        *("label", "probabilities", "logits", "model", "revision", "request_id")
    ]


def test_what_stands_for_a_prediction_is_a_problem_of_rfc_9457() -> None:
    assert list(ItemProblem.model_fields) == ["error"]
    assert list(Problem.model_fields) == [
        *("type", "title", "status", "detail", "instance", "request_id", "errors")
    ]
