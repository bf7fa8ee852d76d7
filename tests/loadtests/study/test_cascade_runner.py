"""A cascade that is run: the second model gets the rows of those that the first is unsure of."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.engine.engine import Row
from loadtests.study.cascade_runner import CascadeRunner
from loadtests.study.side import Side
from loadtests.study.works import works_of
from tests.sample import sample_items


class Told:
    """Answers as the first token of a row says, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[Row]] = []

    def logits(self, rows: Sequence[Row]) -> list[float]:
        self.asked.append(list(rows))
        return [float(row[0]) for row in rows]


SURE = ((9, 1), (0, 1))
UNSURE = ((1, 1), (0, 1))
OTHERWISE = ((0, 2), (5, 2))


def test_only_unsure_items_are_asked_again_in_their_other_rows() -> None:
    first, second = Told(), Told()
    runner = CascadeRunner(first, second, threshold=0.8)
    assert runner.choices([(SURE, OTHERWISE), (UNSURE, OTHERWISE), (SURE, SURE)]) == [0, 1, 0]
    assert first.asked == [[*SURE, *UNSURE, *SURE]]
    assert second.asked == [list(OTHERWISE)]


def test_nobody_asks_the_second_where_the_first_is_sure() -> None:
    second = Told()
    assert CascadeRunner(Told(), second, threshold=0.8).choices([(SURE, OTHERWISE)]) == [0]
    assert second.asked == []


def test_a_temperature_makes_the_first_less_sure() -> None:
    second = Told()
    warm = CascadeRunner(Told(), second, threshold=0.8, temperature=9.0)
    assert warm.choices([(SURE, OTHERWISE)]) == [1]
    assert len(second.asked) == 1


@pytest.mark.usefixtures("tiny_settings")
@pytest.mark.parametrize(("threshold", "calls"), [(0.0, 1), (1.01, 2)])
def test_a_side_that_is_a_cascade_runs_both_models(
    threshold: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = 0

    def logits(self: object, rows: Sequence[Row]) -> list[float]:
        nonlocal passes
        passes += 1
        return [0.0] * len(rows)

    monkeypatch.setattr("app.engine.lanes.Lanes.logits", logits)
    side = Side("c", "direct", how="cascade", second="stilts", threshold=threshold, batch_items=2)
    works = works_of(side, sample_items())
    assert len(works) == len(sample_items()) // 2
    passes = 0
    works[0]()
    assert passes == calls
