"""Rows are paired by their numbers, and a number that is missing or there twice is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.example import DataError
from models.tasks.reading.numbered import by_number, some
from models.tasks.reading.row import DataRow


def rows_of(field: str, numbers: list[Any]) -> list[DataRow]:
    return [DataRow(f"f:{line}", {field: each}) for line, each in enumerate(numbers, start=1)]


@pytest.mark.parametrize("start", [0, 401])
@pytest.mark.parametrize("field", ["idx", "id"])
@given(numbers=st.permutations(range(6)))
def test_a_shuffled_split_is_in_order_again(field: str, start: int, numbers: list[int]) -> None:
    rows = rows_of(field, [start + number for number in numbers])
    found = by_number(rows, "val", 401, 100)
    assert list(found) == list(range(401, 407))
    assert [row.fields[field] - start for row in found.values()] == list(range(6))


def test_rows_without_numbers_have_those_of_their_places() -> None:
    rows = [DataRow(f"f:{line}", {"a": line}) for line in range(3)]
    assert by_number(rows, "val", 401, 100) == dict(zip((401, 402, 403), rows, strict=True))


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([1, 2, 2], "f:3: the number 2 is that of f:2 too"),
        ([1, 2, 4], "train has 3 rows, .* 1 to 3: it lacks 3, and has 4"),
        ([1, 2, None], "f:3: idx is missing"),
        ([1, 2, "x"], "f:3: idx is not one of 0 to 400: 'x'"),
        ([1, 2, 1_000], "f:3: idx is not one of 0 to 400: 1000"),
    ],
)
def test_a_number_that_pairs_nothing_is_named(numbers: list[Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        by_number(rows_of("idx", numbers), "train", 1, 400)


def test_a_row_that_lacks_the_number_that_others_have_is_named() -> None:
    with pytest.raises(DataError, match="f:9: idx is missing"):
        by_number([*rows_of("idx", [1]), DataRow("f:9", {})], "train", 1, 400)


def test_of_many_numbers_a_few_are_named() -> None:
    assert some(range(1, 9)) == "1, 2, 3, 4, 5 and 3 more"
