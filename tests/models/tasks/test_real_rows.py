"""The published files: how many rows each set gives, and what was found in them."""

from __future__ import annotations

from collections.abc import Iterable

from models.tasks.example import AnyExample, Choices, Example, Examples, Sentences, Span
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


def test_every_published_row_is_read_or_left_out_knowingly(real: Load) -> None:
    assert {name: (len(real(name, "train")), len(real(name, "val"))) for name in COUNTS} == COUNTS


def test_the_parts_of_one_file_share_no_context_and_a_right_ending_is_there_once(
    real: Load,
) -> None:
    for name in ("hellaswag", "swag", "cosmosqa", "mnli", "squad2"):
        train = {_context(example) for example in real(name, "train")}
        assert not [each for each in real(name, "val") if _context(each) in train], name
    for name in COUNTS:
        for example in _choices(real(name, "train")):
            assert example.endings.count(example.endings[example.label]) == 1, name


def test_the_sets_have_what_the_reference_says_was_found_in_them(real: Load) -> None:
    _assert_answers_stand_where_they_are_said_to(_both(real, "squad2"))
    _assert_some_goals_recur(real("piqa", "train"), real("piqa", "val"))
    none = [
        each
        for each in _choices(_both(real, "cosmosqa"))
        if "None of the above" in each.endings[each.label]
    ]
    assert len(none) == 259


def _both(real: Load, name: str) -> list[AnyExample]:
    return [*real(name, "train"), *real(name, "val")]


def _assert_answers_stand_where_they_are_said_to(examples: Iterable[AnyExample]) -> None:
    spans = [span for span in examples if isinstance(span, Span)]
    answered = [span.answer for span in spans if span.answer is not None]
    assert (len(spans), len(answered)) == (6078, 2910)
    assert all(start < stop for start, stop in answered)


def _assert_some_goals_recur(train: Examples, val: Examples) -> None:
    goals = {_context(example).casefold() for example in train}
    assert sum(_context(example).casefold() in goals for example in val) == 189
    assert len({*_choices(train)} & {*_choices(val)}) == 1
