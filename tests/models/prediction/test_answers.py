"""Rows are answered in their order, and only a few are held at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from app.engine.tokenizer import CausalItem
from models.evaluation.ask.predictor import EvaluationError, ItemOutcome, Unanswered
from models.prediction.answers import Pace, answers
from models.prediction.rows import FileRow
from tests.models.prediction.made import Guesser, json_file, question, read

ROWS = read(json_file(*(question(n) if n % 7 else {"idx": n} for n in range(100))))


@pytest.mark.parametrize("pace", [Pace(10), Pace(16, calls=4), Pace(1000, calls=2)])
def test_every_row_has_its_outcome_in_the_order_of_the_file(pace: Pace) -> None:
    found = [each for group in answers(ROWS, Guesser(), pace) for each in group]
    assert [row for row, _ in found] == ROWS
    for row, outcome in found:
        if row.item is None:
            assert isinstance(outcome, Unanswered)
        else:
            assert outcome == Guesser().outcomes([row.item])[0]


@pytest.mark.parametrize("calls", [1, 4])
def test_rows_are_read_when_their_turn_comes(calls: int) -> None:
    taken = 0

    def rows() -> Iterator[FileRow]:
        nonlocal taken
        for row in ROWS:
            taken += 1
            yield row

    with closing(answers(rows(), Guesser(), Pace(5, calls))) as found:
        next(found)
        assert taken <= 5 * (calls + 1)


def test_calls_overlap() -> None:
    together = threading.Barrier(4, timeout=30)

    class Slow(Guesser):
        def outcomes(self, items: Sequence[CausalItem]) -> list[ItemOutcome]:
            together.wait()
            return super().outcomes(items)

    found = [each for group in answers(ROWS[:96], Slow(), Pace(12, calls=4)) for each in group]
    assert len(found) == 96


def test_a_service_that_is_gone_ends_the_rows_after_those_it_answered() -> None:
    class Leaving(Guesser):
        def outcomes(self, items: Sequence[CausalItem]) -> list[ItemOutcome]:
            if any("50 times" in item.premise for item in items):
                raise EvaluationError("it is gone")
            return super().outcomes(items)

    found = answers(ROWS, Leaving(), Pace(10, calls=3))
    assert [row for _ in range(5) for row, _ in next(found)] == ROWS[:50]
    with pytest.raises(EvaluationError, match="gone"):
        next(found)
