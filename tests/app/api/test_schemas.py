"""What goes over the wire: which texts and fields are taken, and which are not."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from app.api.schemas import (
    NAMES,
    BatchRequest,
    CompareRequest,
    Item,
    ItemProblem,
    Prediction,
    PredictRequest,
    Problem,
    listed,
)
from app.model_settings.sources import ModelSources
from app.settings import VARIANTS
from tests.app.api.stand_in import ITEM

DESCRIBED_ITEM = Draft202012Validator(Item.model_json_schema())


def wrong_fields(body: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        PredictRequest.model_validate(body)
    return [".".join(map(str, error["loc"])) for error in refused.value.errors()]


@pytest.mark.parametrize(
    "text",
    [
        "A storm came.",
        "雷雨になった。",
        "i",
        " padded ",
        "tab\there",
        "👩‍🚀",
        "\u200bvisible",
        "\U0001fae9",
    ],
)
def test_a_text_that_shows_something_is_taken_as_it_is(text: str) -> None:
    assert Item.model_validate({**ITEM, "choice1": text}).choice1 == text


@pytest.mark.parametrize(
    "text", ["", " ", "\t\n", "\u3000", "\u00a0", "\u200b", "\u2060\ufeff", "\u3164", "\u2800"]
)
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


ROW = {**ITEM, "label": 1, "idx": 7, "changed": False}


def test_a_row_of_xcopa_is_taken_as_it_is() -> None:
    assert PredictRequest.model_validate(ROW).premise == ITEM["premise"]
    assert CompareRequest.model_validate(ROW).premise == ITEM["premise"]
    assert isinstance(BatchRequest.model_validate({"items": [ROW]}).items[0], Item)


@pytest.mark.parametrize("field", ["label", "idx", "changed"])
@pytest.mark.parametrize("value", [None, -1, "1", "", 1.5, True, [], {"a": 1}])
def test_what_these_fields_hold_does_not_matter(field: str, value: object) -> None:
    """A test set without labels has -1, null or nothing there."""
    assert PredictRequest.model_validate({**ITEM, field: value}).premise == ITEM["premise"]


@pytest.mark.parametrize("field", ["labels", "Label", "id", "index", "lang", "answer"])
def test_any_other_field_of_a_row_is_still_an_error(field: str) -> None:
    assert wrong_fields({**ROW, field: 1}) == [field]


def described(request_type: type[BaseModel]) -> Draft202012Validator:
    return Draft202012Validator(request_type.model_json_schema())


@pytest.mark.parametrize(
    "text", ["", " ", "\t\n", "\u3000", "\u00a0", "\u200b", "\u2060\ufeff", "\u3164", "\u2800"]
)
def test_a_blank_text_is_not_valid_by_the_description(text: str) -> None:
    assert described(Item).is_valid(ITEM)
    assert not described(Item).is_valid({**ITEM, "premise": text})


@given(st.text(max_size=5))
def test_a_text_is_valid_by_the_description_exactly_when_it_is_taken(text: str) -> None:
    body = {**ITEM, "premise": text}
    try:
        Item.model_validate(body)
    except ValidationError:
        taken = False
    else:
        taken = True
    assert DESCRIBED_ITEM.is_valid(body) is taken


@pytest.mark.parametrize("items", [[], [None], ["item", {}], [{**ITEM, "choice1": " "}]])
def test_a_batch_of_nothing_that_can_be_answered_is_not_valid_by_the_description(
    items: list[object],
) -> None:
    assert not described(BatchRequest).is_valid({"items": items})


def test_a_batch_with_one_item_that_is_right_is_valid_by_the_description() -> None:
    assert described(BatchRequest).is_valid({"items": [None, ROW, {}]})


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


@pytest.mark.parametrize("name", ["stilts", "Mnli", "", 7, ["mnli"]])
def test_the_names_of_an_application_take_the_place_of_those_that_ship(
    name: object,
) -> None:
    known = {NAMES: ("direct", "mnli")}
    for named in ("mnli", None):
        body = {**ITEM, "model": named}
        assert PredictRequest.model_validate(body, context=known).model == named
    with pytest.raises(ValidationError, match="'direct' or 'mnli'"):
        PredictRequest.model_validate({**ITEM, "model": name}, context=known)


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a"], "`a`"), (["a", "b"], "`a` or `b`"), (["a", "b", "c"], "`a`, `b` or `c`")],
)
def test_names_are_listed_in_words(names: list[str], said: str) -> None:
    assert listed(names) == said
