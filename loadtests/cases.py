"""What is asked of a service: each route with each variant, and how its answers are judged."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from loadtests import soundness
from loadtests.mix import RequestMix
from loadtests.soundness import ModelAnswer

SINGLE, BATCH, COMPARE, RANK = ROUTES = ("single", "batch", "compare", "rank")
ALL = "all"
"""The variant of a comparison."""

_PATHS = {
    SINGLE: "/predict/xcopa",
    BATCH: "/predict/xcopa/batch",
    COMPARE: "/compare/xcopa",
    RANK: "/rank",
}
BODIES = 512
SEED = 19

SoundAnswers = Callable[[object], Sequence[ModelAnswer] | None]


class JudgedBody(Protocol):
    """A request whose answer is judged."""

    @property
    def body(self) -> bytes:
        """As it is sent."""

    def is_sound(self, content: bytes) -> bool:
        """Whether the content of a response is a sound answer. Nothing that it holds raises."""


class LoadCase(Protocol):
    """Requests to one path."""

    @property
    def path(self) -> str:
        """Of the endpoint."""

    @property
    def bodies(self) -> Sequence[JudgedBody]:
        """Of which each request takes one at random."""


@dataclass(frozen=True)
class AskedBody:
    """A request, and what judges its answer."""

    body: bytes
    items: int
    judge: SoundAnswers

    def is_sound(self, content: bytes) -> bool:
        """Whether the content of a response is a sound answer. Nothing that it holds raises."""
        try:
            return self.judge(json.loads(content)) is not None
        except (ValueError, RecursionError):
            return False


@dataclass(frozen=True)
class RouteCase:
    """A route with a variant."""

    route: str
    variant: str
    bodies: Sequence[AskedBody]

    @property
    def name(self) -> str:
        return f"{self.route} {self.variant}"

    @property
    def path(self) -> str:
        return _PATHS[self.route]

    @property
    def items(self) -> float:
        """Items of a request, on average."""
        return sum(each.items for each in self.bodies) / len(self.bodies)


def route_cases(
    routes: Sequence[str],
    variants: Sequence[str],
    mix: RequestMix,
    served: Sequence[str],
    count: int = BODIES,
) -> list[RouteCase]:
    """Return a case for each route and variant; a comparison asks all variants, so it has one.

    Args:
        routes: of ``ROUTES``.
        variants: of those that are served.
        mix: draws the requests, the same ones each time.
        served: all variants of the service.
        count: of requests.
    """
    found = []
    for route in routes:
        for variant in [ALL] if route == COMPARE else variants:
            chance = random.Random(SEED)  # noqa: S311 - load, no secret
            bodies = [_asked(route, variant, mix, served, chance) for _ in range(count)]
            found.append(RouteCase(route, variant, bodies))
    return found


def _asked(
    route: str, variant: str, mix: RequestMix, served: Sequence[str], chance: random.Random
) -> AskedBody:
    body: dict[str, Any]
    judge: SoundAnswers
    if route == COMPARE:
        body, items = mix.item(chance), len(served)
        judge = partial(soundness.comparison, variants=served)
    elif route == BATCH:
        body = {**mix.batch(chance), "model": variant}
        items = len(body["items"])
        judge = partial(soundness.batch, size=items, model=variant)
    elif route == RANK:
        body, items = {**mix.ranking(chance), "model": variant}, 1
        judge = partial(soundness.ranking, choices=len(body["choices"]), model=variant)
    else:
        body, items = {**mix.single(chance), "model": variant}, 1
        judge = partial(soundness.prediction, model=variant)
    return AskedBody(json.dumps(body).encode(), items, judge)
