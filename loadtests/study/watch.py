"""Says how far a study is: a line a minute on standard error."""

from __future__ import annotations

from loadtests.study.blocks import Budget
from models.minute_lines import MinuteLines, to_standard_error


class StudyWatch:
    """Is told what is done."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._lines = MinuteLines()
        self._ran = 0
        self._total = 0
        self._began = 0.0

    def expect(self, blocks: int) -> None:
        """Say how many blocks there may be; they begin now."""
        self._total = blocks
        self._began = self._budget.spent

    def answered(self, run: str, items: int) -> None:
        """A model begins to answer, where no items are told, or has answered so many more."""
        if not items:
            self.say(f"asking {run} for its answers")

    def ran(self, what: str) -> None:
        """A block has run. The time left is that of the blocks that the budget has room for."""
        self._ran += 1
        spent = f"after {self._budget.spent / 60:.0f} min"
        self._lines.tell(what, self._ran, self._within_budget(), "blocks", spent)

    def say(self, line: str) -> None:
        """Say something at once."""
        to_standard_error(line)

    def _within_budget(self) -> int:
        a_block = (self._budget.spent - self._began) / self._ran
        left = max(0.0, self._budget.left)
        is_room_for_all = a_block * (self._total - self._ran) <= left
        return self._total if is_room_for_all else self._ran + int(left / a_block)
