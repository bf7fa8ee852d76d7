"""What the answers of a run come to."""

from __future__ import annotations

import pytest

from loadtests.callers.scenario_answer import ScenarioAnswer, exit_status

GOOD, BAD = ScenarioAnswer.judged(True, "a: 1 s"), ScenarioAnswer.judged(False, "b: 2 s")
NONE = ScenarioAnswer.none("c: too short")


def test_an_answer_is_one_line_with_its_status() -> None:
    assert str(GOOD) == "PASS: a: 1 s"
    assert str(BAD) == "FAIL: b: 2 s"
    assert str(NONE) == "NO ANSWER: c: too short"


@pytest.mark.parametrize(
    ("answers", "status"),
    [([], 0), ([GOOD], 0), ([GOOD, NONE], 3), ([NONE, BAD, GOOD], 1), ([BAD], 1)],
)
def test_the_worst_answer_is_the_exit_status(answers: list[ScenarioAnswer], status: int) -> None:
    assert exit_status(answers) == status
