"""What ``POST /rank`` takes: the published JSON Schema and the check agree on every body."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from app.api.rank_schemas import FEWEST_CHOICES, MOST_CHOICES, RankRequest
from app.settings import VARIANTS

PUBLISHED = Draft202012Validator(RankRequest.model_json_schema())
BODY: dict[str, Any] = {
    "premise": "The street lights went out.",
    "choices": ["A storm came.", "It was noon."],
    "question": "cause",
}
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), st.none())
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS, st.just([])
)
# A choice or two of each kind, or as many as there may be and one more.
CHOICES = st.one_of(
    ANYTHING,
    st.lists(TEXTS, max_size=4),
    st.integers(MOST_CHOICES - 1, MOST_CHOICES + 1).map(lambda count: ["x"] * count),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "premise": st.one_of(st.just("A storm came."), ANYTHING),
    "choices": CHOICES,
    "question": st.one_of(st.sampled_from(["cause", "effect", "Cause"]), ANYTHING),
    "model": st.one_of(st.sampled_from([*VARIANTS, "large"]), ANYTHING),
    "choice1": ANYTHING,
}


def is_accepted(body: object) -> bool:
    try:
        RankRequest.model_validate(body)
    except ValidationError:
        return False
    return True


@given(st.fixed_dictionaries({}, optional=FIELDS), st.sets(st.sampled_from(sorted(BODY))))
def test_what_the_published_schema_accepts_is_accepted_and_nothing_else(
    changes: dict[str, Any], missing: set[str]
) -> None:
    for body in ({**BODY, **changes}, {k: v for k, v in BODY.items() if k not in missing}):
        assert is_accepted(body) is PUBLISHED.is_valid(body), body


@pytest.mark.parametrize(
    ("count", "accepted"),
    [(FEWEST_CHOICES - 1, False), (FEWEST_CHOICES, True), (MOST_CHOICES, True), (33, False)],
)
def test_two_to_thirty_two_choices_can_be_ranked(count: int, accepted: bool) -> None:
    assert is_accepted({**BODY, "choices": ["x"] * count}) is accepted


def test_equal_choices_are_taken_as_they_are_and_in_their_order() -> None:
    choices = ["b", " a ", "b"]
    assert RankRequest.model_validate({**BODY, "choices": choices}).choices == choices


@pytest.mark.parametrize("body", [BODY, {**BODY, "model": None}])
def test_without_a_model_it_is_for_the_service_to_choose(body: dict[str, Any]) -> None:
    assert RankRequest.model_validate(body).model is None


def test_the_examples_of_the_description_are_requests() -> None:
    described = RankRequest.model_json_schema()["properties"]
    shown = {name: each["examples"][0] for name, each in described.items() if "examples" in each}
    assert is_accepted({**BODY, **shown})
