"""The largest difference is found wherever it stands."""

from __future__ import annotations

import pytest

from loadtests.fleet.consistent import largest_difference

FIRST = [[1.0, -1.0], [0.5, 0.25]]


def test_equal_answers_do_not_differ() -> None:
    assert largest_difference([FIRST, FIRST, FIRST]) == 0


@pytest.mark.parametrize(("item", "choice"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_one_logit_of_one_replica_is_enough(item: int, choice: int) -> None:
    other = [list(logits) for logits in FIRST]
    other[item][choice] -= 0.125
    assert largest_difference([FIRST, FIRST, other]) == 0.125


def test_replicas_that_answer_another_number_of_items_are_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        largest_difference([FIRST, FIRST[:1]])
