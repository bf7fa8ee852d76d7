"""Causal rows: the set's own names of the fields, and where it begins to count."""

from __future__ import annotations

import pytest

from app.engine.tokenizer import CausalItem
from models.tasks.example import DataError, Example
from models.tasks.reading.row import DataRow
from models.tasks.shapes.causal import causal

COPA = {"premise": "p", "choice1": "a", "choice2": "b", "question": "effect", "label": 1}
OTHER = {"text": "p", "h1": "a", "h2": "b", "ask-for": "cause", "answer": "2"}

of_other = causal(
    premise="text", choice1="h1", choice2="h2", question="ask-for", label="answer", first_label=1
)


def test_a_row_with_copa_s_names_needs_no_others() -> None:
    assert causal()(DataRow("row", COPA)) == Example(CausalItem("p", "a", "b", "effect"), 1)


def test_a_set_may_name_its_fields_otherwise_and_count_from_1() -> None:
    assert of_other(DataRow("row", OTHER)) == Example(CausalItem("p", "a", "b", "cause"), 1)
    first = of_other(DataRow("row", {**OTHER, "answer": "1"}))
    assert first == Example(CausalItem("p", "a", "b", "cause"), 0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"answer": "0"}, "answer is not one of 1 to 2: 0"),
        ({"ask-for": "why"}, "ask-for is not one of cause, effect: 'why'"),
        ({"h2": " "}, "h2 is empty"),
    ],
)
def test_a_wrong_field_is_told_by_the_name_that_the_set_has_for_it(
    change: dict[str, str], told: str
) -> None:
    with pytest.raises(DataError, match=f"^row: {told}$"):
        of_other(DataRow("row", {**OTHER, **change}))
