"""How fast one replica is, as a running service says: what a plan is computed from."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.serving.work import ModelProfile, ServiceCurve

FRONT_SECONDS = 0.0005
"""Processor time that a request takes in the process that speaks HTTP, where nobody says another:
about that with an engine that takes no time (docs/results/speed.md, ``null``)."""


MOST_ENGINES, MOST_PACE = 1_024, 1_000.0


class PlanningError(Exception):
    """There can be no plan; the message says why, and what to change."""


@dataclass(frozen=True)
class BatchTime:
    """How long a batch of so many tokens was measured to take, in seconds."""

    tokens: int
    seconds: float


@dataclass(frozen=True)
class ReplicaSpeed:
    """What one replica computes with, and how long that takes.

    Between measured batches the time is interpolated; the scheduler believes its profile alone.
    """

    profile: ModelProfile
    measured: tuple[BatchTime, ...] = ()
    """By tokens. Without any, a batch takes what the profile says."""
    engines: int = 1
    pace: float = 1.0
    """How many times as long as measured a batch takes while requests come in."""
    front_seconds: float = 0.0
    """Of a request in the process that speaks HTTP; it serves one after the other."""

    def __post_init__(self) -> None:
        check_engines(self.engines)
        check_pace(self.pace)
        check_front(self.front_seconds)

    def seconds(self, tokens: int) -> float:
        """Return how long one engine takes for a batch of that many tokens."""
        return self.pace * _batch_seconds(self.measured, self.profile.curve, tokens)

    def most_per_second(self, mean_tokens: float) -> float:
        """Return how many requests of that many tokens, on average, a replica answers at most.

        Every batch is as full as the budget allows, on average, and every engine always works.
        """
        items = max(1.0, self.profile.batch_tokens // mean_tokens)
        by_engines = self.engines * items / self.seconds(round(items * mean_tokens))
        return min(by_engines, 1 / self.front_seconds) if self.front_seconds else by_engines


def check_engines(count: int) -> None:
    """Raise a ``PlanningError`` for what cannot be the engines of a replica."""
    if count < 1:
        raise PlanningError("a replica has 1 engine at least")
    if count > MOST_ENGINES:
        raise PlanningError(f"a replica has {MOST_ENGINES:,} engines at most")


def check_pace(pace: float) -> None:
    """Raise a ``PlanningError`` for what cannot be a pace."""
    if not 0 < pace < math.inf:
        raise PlanningError("the pace is above 0")
    if pace > MOST_PACE:
        raise PlanningError(f"the pace is {MOST_PACE:,.0f} at most")


def check_front(seconds: float) -> None:
    """Raise a ``PlanningError`` for what cannot be the time of a request in front."""
    if not 0 <= seconds < math.inf:
        raise PlanningError("the time of a request in front is 0 at least")


@lru_cache(maxsize=100_000)
def _batch_seconds(measured: tuple[BatchTime, ...], curve: ServiceCurve, tokens: int) -> float:
    if not measured:
        return curve.seconds(tokens)
    place = bisect_left(measured, tokens, key=lambda each: each.tokens)
    if place == len(measured):
        last = measured[-1]
        return last.seconds + curve.per_token * (tokens - last.tokens)
    above = measured[place]
    if place == 0:
        shorter = above.seconds - curve.per_token * (above.tokens - tokens)
        return max(shorter, above.seconds * tokens / above.tokens)
    below = measured[place - 1]
    share = (tokens - below.tokens) / (above.tokens - below.tokens)
    return below.seconds + share * (above.seconds - below.seconds)


def speed_of(
    body: object,
    model: str | None = None,
    pace: float = 1.0,
    front_seconds: float = FRONT_SECONDS,
) -> ReplicaSpeed:
    """Read what ``GET /models`` answers.

    Args:
        body: the answer, from JSON.
        model: the variant that is asked; the service's default if not given.
        pace, front_seconds: see ``ReplicaSpeed``; the answer does not have them.

    Raises:
        PlanningError: it is no such answer, or there is no such model.
    """
    try:
        card = _card(body, model)
        batching = card["batching"]
        curve = ServiceCurve(float(batching["fixed_seconds"]), float(batching["token_seconds"]))
        profile = ModelProfile(int(batching["batch_tokens"]), curve)
        engines = (body.get("engines") or {}).get("count", 1) if isinstance(body, dict) else 1
        return ReplicaSpeed(profile, _times(batching), int(engines), pace, front_seconds)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise PlanningError(f"this is not what GET /models answers ({reason})") from error


def _card(body: Any, model: str | None) -> Mapping[str, Any]:
    cards: Sequence[Mapping[str, Any]] = body["models"]
    for card in cards:
        if card["name"] == model or (model is None and card.get("default")):
            return card
    names = ", ".join(str(card["name"]) for card in cards)
    raise PlanningError(
        f"there is no model {model or 'by default'}, only {names}; --model names it"
    )


def _times(batching: Mapping[str, Any]) -> tuple[BatchTime, ...]:
    times = {int(each["tokens"]): float(each["seconds"]) for each in batching.get("measured", ())}
    if any(not (tokens > 0 and 0 < took < math.inf) for tokens, took in times.items()):
        raise ValueError("a batch has tokens, and takes time")
    return tuple(BatchTime(tokens, times[tokens]) for tokens in sorted(times))
