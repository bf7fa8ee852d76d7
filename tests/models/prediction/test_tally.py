"""The counts at the end: rows, failures, and the accuracy where rows have labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.prediction.tally import Tally
from tests.models.prediction.made import json_file, question, read


def count(*labels: object, answered: int | None = 1) -> Tally:
    tally = Tally()
    for row in read(json_file(*(question(n, label=label) for n, label in enumerate(labels)))):
        tally.add(row, answered)
    return tally


def test_accuracy_is_of_the_rows_that_have_labels() -> None:
    assert count(1, "1", 0, None, "", -1).accuracy == "accuracy 66.7 %: 2 of 3 labelled rows"
    assert count(None, -1, "-1", "").accuracy is None


@given(st.lists(st.tuples(st.sampled_from([0, 1, "0", "1", None]), st.sampled_from([0, 1, None]))))
def test_every_row_is_counted_and_those_that_failed_are_neither_right_nor_wrong(
    rows: list[tuple[object, int | None]],
) -> None:
    tally = Tally()
    for label, answered in rows:
        [row] = read(json_file(question(0, label=label)))
        tally.add(row, answered)
    judged = [
        (int(str(label)), own) for label, own in rows if label is not None and own is not None
    ]
    assert tally.rows == len(rows)
    assert tally.failed == sum(answered is None for _, answered in rows)
    assert tally.labelled == len(judged)
    assert tally.right == sum(label == own for label, own in judged)


@pytest.mark.parametrize("label", [2, True, 1.0, "positive", [1]])
def test_labels_of_another_kind_give_no_accuracy(label: object) -> None:
    said = count(1, label, 1).accuracy
    assert said == f"no accuracy: line 2 has the label {label!r}, which is not 0 or 1"


def test_the_first_label_of_another_kind_is_named() -> None:
    assert count(1, 7, 8).accuracy == "no accuracy: line 2 has the label 7, which is not 0 or 1"


def test_a_label_of_a_row_that_failed_is_not_looked_at() -> None:
    assert count(7, 8, answered=None).accuracy is None


def test_rows_without_any_label_have_no_accuracy() -> None:
    tally = Tally()
    [row] = read(json_file(question(0)))
    tally.add(row, 0)
    assert (tally.rows, tally.accuracy) == (1, None)
