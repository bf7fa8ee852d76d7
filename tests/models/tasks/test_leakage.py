"""What is measured with is not trained on: no item of COPA 401-1000 or of XCOPA in any set."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from models.tasks.example import AnyExample, Choices, Example, Sentences, Span
from models.tasks.sets import copa, xcopa
from tests.models.tasks.conftest import Load
from tests.models.tasks.test_real_rows import COUNTS

SENTENCES = {"copa": 4, "balanced-copa": 7, "ecare": 12}
"""Training rows in which a premise or a choice that is measured with, of three words or more,
stands alone, among others: chance, or a phrase of daily life."""


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


@pytest.fixture(scope="module")
def held_out(data: Path) -> dict[str, set[str]]:
    """The premises that are measured with, each with its choices."""
    items = [each.item for split in ("val", "test") for each in copa.load(data, split)]
    items += [
        each.item
        for language in xcopa.LANGUAGES
        for split in xcopa.SPLITS
        for each in xcopa.load(data, language, split, "upstream")
    ]
    found: dict[str, set[str]] = defaultdict(set)
    for item in items:
        found[_plain(item.premise)].update(map(_plain, item.choices))
    return found


def _texts(example: AnyExample) -> set[str]:
    match example:
        case Example(item):
            return {*map(_plain, (item.premise, *item.choices))}
        case Choices(context, endings):
            return {*map(_plain, (context, *endings))}
        case Sentences(first, second):
            return {_plain(first), _plain(second or "")}
        case Span(question, context):
            return {_plain(question), _plain(context)}
    raise AssertionError(example)


def test_no_training_row_has_a_premise_and_a_choice_that_are_measured_with(
    real: Load, held_out: dict[str, set[str]]
) -> None:
    sentences = {*held_out}.union(*held_out.values())
    longer = {each for each in sentences if len(each.split()) > 2}
    recurring: Counter[str] = Counter()
    for name in COUNTS:
        for example in real(name, "train"):
            texts = _texts(example)
            assert not [each for each in texts & held_out.keys() if texts & held_out[each]], example
            recurring[name] += bool(texts & longer)
    assert +recurring == SENTENCES
