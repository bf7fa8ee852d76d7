"""Whether the same question always gets the same answer from the same model.

A model gives each choice a logit of its own, whatever stands beside it: alone, in a batch, in a
comparison or among 32 choices. So what is remembered is the logit of a premise with a choice, and
answers of all routes are compared with each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from loadtests.soundness import ModelAnswer

TOLERANCE = 1e-3
"""By which logits may differ: sums are in another order in another batch."""

MOST = 1_000_000
"""Logits that are remembered; what comes later is not compared."""

AskedQuestion = tuple[str, Sequence[str], str]
"""The premise, the choices, and whether the cause or the effect is asked for."""


class AnswerMemory:
    """Remembers the first logit of each choice, and compares later ones with it."""

    def __init__(self, tolerance: float = TOLERANCE) -> None:
        self.tolerance = tolerance
        self._logits: dict[bytes, float] = {}

    def contradiction(self, question: AskedQuestion, answer: ModelAnswer) -> str | None:
        """Say how an answer differs from an earlier one, or return None and remember it.

        Another revision is another model: it may answer otherwise.
        """
        premise, choices, kind = question
        for choice, logit in zip(choices, answer.logits, strict=True):
            key = _digest(answer.model, answer.revision, kind, premise, choice)
            before = self._logits.get(key)
            if before is None:
                if len(self._logits) < MOST:
                    self._logits[key] = logit
            elif abs(before - logit) > self.tolerance:
                return (
                    f"another answer than before from {answer.model} {answer.revision}: "
                    f"logit {logit} after {before} for {choice!r}"
                )
        return None


def question_of(body: Mapping[str, Any]) -> AskedQuestion:
    """Return what an item, or a body that ranks choices, asks."""
    choices = body.get("choices") or (body["choice1"], body["choice2"])
    return body["premise"], choices, body["question"]


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()
