"""Examples are values: two that say the same are one, so that sets of them find what recurs."""

from __future__ import annotations

import pytest

from app.engine.tokenizer import CausalItem
from models.tasks.example import AnyExample, Choices, Example, Head, Sentences, Span, Tagged


def examples(label: int) -> list[AnyExample]:
    return [
        Example(CausalItem("p", "a", "b", "cause"), label),
        Choices("p", ("a", "b"), label),
        Sentences("a", "b", label),
        Span("q", "c", (0, label)),
        Tagged(("a", "b"), (0, label)),
    ]


@pytest.mark.parametrize("kind", range(5))
def test_examples_that_say_the_same_are_one(kind: int) -> None:
    same, again, other = examples(1)[kind], examples(1)[kind], examples(2)[kind]
    assert {same, again} == {same}
    assert len({same, other}) == 2


def test_the_names_of_heads_stay_since_they_stand_in_checkpoints() -> None:
    assert {str(head) for head in Head} == {"multiple-choice", "classification", "span", "tagging"}
