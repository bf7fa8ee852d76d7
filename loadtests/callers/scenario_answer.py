"""What a run says to the question of its scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class AnswerStatus(Enum):
    """How a question was answered; the value begins the line that says it."""

    GOOD = "PASS"
    BAD = "FAIL"
    NONE = "NO ANSWER"


_EXITS = {AnswerStatus.BAD: 1, AnswerStatus.NONE: 3, AnswerStatus.GOOD: 0}
"""The worst comes first."""


@dataclass(frozen=True)
class ScenarioAnswer:
    """An answer in one line."""

    status: AnswerStatus
    said: str
    """In words, with units; of no answer, why."""

    @classmethod
    def judged(cls, is_good: bool, said: str) -> ScenarioAnswer:
        """Return an answer that is good or bad."""
        return cls(AnswerStatus.GOOD if is_good else AnswerStatus.BAD, said)

    @classmethod
    def none(cls, said: str) -> ScenarioAnswer:
        """Return that there is no answer, and why."""
        return cls(AnswerStatus.NONE, said)

    def __str__(self) -> str:
        return f"{self.status.value}: {self.said}"


def exit_status(answers: Sequence[ScenarioAnswer]) -> int:
    """Return the exit status of a run: 1 if an answer is bad, 3 if there is none to a question."""
    statuses = {each.status for each in answers}
    return next((code for status, code in _EXITS.items() if status in statuses), 0)
