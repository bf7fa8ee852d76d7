"""How many tokens a question has: what is known of XCOPA's languages, or what the user says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planning.speed import PlanningError

TOKENS_BY_LANGUAGE: Mapping[str, Sequence[int]] = {
    "en": (42, 45, 48, 50, 51, 53, 56, 61),
    "et": (44, 48, 50, 52, 54, 56, 59, 64),
    "ht": (52, 57, 60, 62, 64, 68, 71, 77),
    "id": (41, 44, 46, 48, 50, 52, 55, 61),
    "it": (47, 51, 54, 56, 59, 60, 64, 71),
    "qu": (59, 65, 69, 72, 75, 80, 84, 95),
    "sw": (46, 50, 53, 55, 57, 60, 63, 70),
    "ta": (48, 53, 57, 59, 63, 66, 69, 78),
    "th": (37, 40, 42, 44, 46, 48, 51, 56),
    "tr": (42, 45, 46, 48, 50, 52, 55, 59),
    "vi": (43, 46, 49, 51, 53, 56, 59, 64),
    "zh": (42, 45, 46, 48, 50, 52, 54, 58),
}
"""Tokens of a question of XCOPA's test set, both rows together, as the shipped models read it: the
middles of eight parts with equally many questions."""


MOST_TOKENS, MOST_SHARE = 1_000_000, 1e9
"""Of one length."""


@dataclass(frozen=True)
class LengthMix:
    """Numbers of tokens, and how often a request has each."""

    weights: Mapping[int, float]
    """By tokens of a request, of all its rows together; their sum may be anything."""

    def __post_init__(self) -> None:
        if not self.weights or sum(self.weights.values()) <= 0:
            raise PlanningError("a mix of lengths has a length at least")
        if any(tokens < 1 or weight < 0 for tokens, weight in self.weights.items()):
            raise PlanningError("a length is 1 token at least, and its share 0 at least")
        if not all(weight <= MOST_SHARE for weight in self.weights.values()):
            raise PlanningError(f"a share is {MOST_SHARE:,.0f} at most")
        if max(self.weights) > MOST_TOKENS:
            raise PlanningError(f"a length is {MOST_TOKENS:,} tokens at most")

    @classmethod
    def usual(cls) -> LengthMix:
        """Return all languages, each as often as any other."""
        return cls.of_languages(list(TOKENS_BY_LANGUAGE))

    @classmethod
    def of_languages(cls, languages: Sequence[str]) -> LengthMix:
        """Return languages, each as often as any other.

        Raises:
            PlanningError: nothing is known of one of them.
        """
        for name in languages:
            if name not in TOKENS_BY_LANGUAGE:
                raise PlanningError(f"{name!r} is not one of {', '.join(TOKENS_BY_LANGUAGE)}")
        return cls.counted([tokens for name in languages for tokens in TOKENS_BY_LANGUAGE[name]])

    @classmethod
    def counted(cls, lengths: Sequence[int]) -> LengthMix:
        """Return the mix of requests that were counted, by their lengths in tokens."""
        values, counts = np.unique(np.asarray(lengths, dtype=np.int64), return_counts=True)
        return cls(dict(zip(values.tolist(), counts.tolist(), strict=True)))

    @classmethod
    def parse(cls, text: str) -> LengthMix:
        """Read lengths with their shares, such as ``50:3,200:1``; a length alone has share 1.

        Raises:
            PlanningError: it cannot be read.
        """
        weights: dict[int, float] = {}
        for entry in text.split(","):
            tokens, _, share = entry.partition(":")
            try:
                weights[int(tokens)] = weights.get(int(tokens), 0.0) + float(share or 1)
            except ValueError as error:
                message = f"{entry.strip()!r} is no number of tokens with its share, such as 50:3"
                raise PlanningError(message) from error
        return cls(weights)

    @cached_property
    def mean(self) -> float:
        """Tokens of a request, on average."""
        total = sum(self.weights.values())
        return sum(tokens * weight for tokens, weight in self.weights.items()) / total

    def draw(self, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Return the tokens of so many requests. Shape ``[count]``."""
        weights = np.array(list(self.weights.values()), dtype=np.float64)
        return generator.choice(list(self.weights), count, p=weights / weights.sum())
