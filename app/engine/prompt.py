"""How a question about cause or effect becomes the two texts of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TextOrder = Literal["premise-first", "cause-first"]


@dataclass(frozen=True)
class Prompt:
    """How a question is put: the words before the choice, and which text stands first."""

    cause: str = "What was the cause?"
    effect: str = "What happened as a result?"
    order: TextOrder = "premise-first"
    """``cause-first`` has the choice first where it is asked for as the cause, so that the order
    says what is asked even without words."""

    def pair(self, premise: str, question: str, choice: str) -> tuple[str, str]:
        """Return the two texts of a row; words, if there are any, stand before the choice."""
        words = self.cause if question == "cause" else self.effect
        asked = f"{words} {choice}" if words else choice
        if self.order == "cause-first" and question == "cause":
            return asked, premise
        return premise, asked
