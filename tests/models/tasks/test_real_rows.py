"""The published files: how many rows each set gives, and what was found in them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from models.tasks.example import AnyExample, Choices, Example, Sentences, Span
from tests.models.tasks.conftest import Load

COUNTS = {
    "copa": (400, 100),
    "balanced-copa": (800, 200),
    # 2,132, of which 282 premises stand in training.
    "ecare": (14928, 1850),
    # 33,410 and 1,954, of which 6 and 1 have the right answer among the wrong ones too.
    "socialiqa": (33404, 1953),
    # 9,741 and 1,221, of which 42 and 6 have.
    "commonsenseqa": (9699, 1215),
    "piqa": (14113, 1838),
    "openbookqa": (4957, 500),
    # One published file each, its last tenth for validation.
    "hellaswag": (9037, 1005),
    "swag": (9000, 1000),
    "cosmosqa": (2686, 299),
    "mnli": (8832, 983),
    "squad2": (5299, 779),
}


def _context(example: AnyExample) -> str:
    match example:
        case Example(item):
            return item.premise
        case Choices(context) | Span(context=context):
            return context
        case Sentences(first):
            return first
    raise AssertionError(example)


def _choices(examples: Iterable[AnyExample]) -> list[Choices]:
    return [example for example in examples if isinstance(example, Choices)]


@pytest.mark.parametrize("name", COUNTS)
def test_every_published_row_is_read_or_left_out_knowingly(real: Load, name: str) -> None:
    assert (len(real(name, "train")), len(real(name, "val"))) == COUNTS[name]


@pytest.mark.parametrize("name", ["hellaswag", "swag", "cosmosqa", "mnli", "squad2"])
def test_the_parts_of_one_file_share_no_context(real: Load, name: str) -> None:
    train = {_context(example) for example in real(name, "train")}
    assert not [each for each in real(name, "val") if _context(each) in train]


@pytest.mark.parametrize("name", COUNTS)
def test_the_right_ending_is_there_once(real: Load, name: str) -> None:
    for example in _choices(real(name, "train")):
        assert example.endings.count(example.endings[example.label]) == 1


def test_the_answers_of_squad_stand_where_they_are_said_to(real: Load) -> None:
    spans = [
        span
        for split in ("train", "val")
        for span in real("squad2", split)
        if isinstance(span, Span)
    ]
    answered = [span for span in spans if span.answer is not None]
    assert (len(spans), len(answered)) == (6078, 2910)
    assert all(span.answer and span.answer[0] < span.answer[1] for span in answered)


def test_some_validation_goals_of_piqa_stand_in_training_and_one_row_whole(real: Load) -> None:
    train, val = real("piqa", "train"), real("piqa", "val")
    goals = {_context(example).casefold() for example in train}
    assert sum(_context(example).casefold() in goals for example in val) == 189
    assert len({*_choices(train)} & {*_choices(val)}) == 1


def test_none_of_the_above_is_an_answer_of_cosmos_qa(real: Load) -> None:
    parts = [_choices(real("cosmosqa", split)) for split in ("train", "val")]
    examples = [example for part in parts for example in part]
    assert sum("None of the above" in each.endings[each.label] for each in examples) == 259
