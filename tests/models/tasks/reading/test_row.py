"""A row says where it is wrong: place, field and what stands there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.tasks.example import DataError
from models.tasks.reading.row import DataRow

ROW = DataRow(
    "set.jsonl:7",
    {
        "text": " hello\n",
        "blank": " ",
        "none": None,
        "number": 2,
        "digits": "2",
        "long": "9" * 5_000,
        "yes": True,
        "texts": ["a", "b "],
        "gap": ["a", ""],
        "object": {"inside": "x"},
        "objects": [{"inside": "x"}, 3],
    },
)


def test_texts_are_without_the_space_around_them() -> None:
    assert ROW.text("text") == "hello"
    assert ROW.verbatim("text") == " hello\n"
    assert ROW.texts("texts") == ("a", "b")


def test_positions_count_from_where_the_set_does() -> None:
    assert ROW.index("number", 3) == 2
    assert ROW.index("digits", 3) == 2
    assert ROW.index("number", 3, first=1) == 1
    assert ROW.one_of("digits", ("1", "2")) == 1


def test_objects_are_rows_that_know_where_they_are() -> None:
    assert ROW.inner("object").text("inside") == "x"
    with pytest.raises(DataError, match=r"^set\.jsonl:7: object: absent is missing$"):
        ROW.inner("object").text("absent")


@pytest.mark.parametrize("name", ["blank", "none"])
def test_a_field_that_says_nothing_is_blank(name: str) -> None:
    assert ROW.blank(name)


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda: ROW.text("absent"), "absent is missing"),
        (lambda: ROW.text("none"), "none is missing"),
        (lambda: ROW.text("blank"), "blank is empty"),
        (lambda: ROW.text("number"), "number is not text: 2"),
        (lambda: ROW.texts("text"), r"text is not a list: ' hello\n'"),
        (lambda: ROW.texts("gap"), "gap[1] is empty"),
        (lambda: ROW.index("number", 2), "number is not one of 0 to 1: 2"),
        (lambda: ROW.index("number", 1, first=3), "number is not one of 3 to 3: 2"),
        (lambda: ROW.index("yes", 2), "yes is not one of 0 to 1: True"),
        (lambda: ROW.index("text", 2), r"text is not one of 0 to 1: ' hello\n'"),
        (lambda: ROW.index("long", 2), f"long is not one of 0 to 1: '{'9' * 37}...{'9' * 38}'"),
        (lambda: ROW.one_of("digits", ("1", "3")), "digits is not one of 1, 3: '2'"),
        (lambda: ROW.inner("text"), r"text is not an object: ' hello\n'"),
        (lambda: ROW.inners("objects"), "objects[1] is not an object: 3"),
        (lambda: ROW.blank("absent"), "absent is missing"),
    ],
)
def test_what_is_wrong_is_told_with_place_and_field(read: Callable[[], Any], told: str) -> None:
    with pytest.raises(DataError) as caught:
        read()
    assert str(caught.value) == f"set.jsonl:7: {told}"
