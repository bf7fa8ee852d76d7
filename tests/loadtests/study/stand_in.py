"""Sides that run on simulated time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from loadtests.study.side import Comparison, Figures, Side

COMPARISON = Comparison("variants", "What?", Side("direct", "direct"), Side("stilts", "stilts"))
CALLS = 2_000
QUIET = {"stolen": 0.0, "others": 0.0, "load": 0.1}


def machine(
    slower: dict[str, float] | None = None,
    noise: float = 0.01,
    drift: float = 0.003,
    loud: int = 0,
    seed: int = 0,
    calls: int = CALLS,
) -> Callable[[Side], Figures]:
    """A machine on which each run has its own luck, and which becomes slower all the time.

    Args:
        slower: by the name of a side, how many times as long its calls take.
        noise: of a whole run, as a share.
        drift: from one run to the next.
        loud: how many of the first runs something else disturbs.
        seed: of the luck.
        calls: of a run.
    """
    chance = np.random.default_rng(seed)
    runs = 0

    def run_side(side: Side) -> Figures:
        nonlocal runs
        scale = (slower or {}).get(side.name, 1.0) * (1 + drift * runs)
        scale *= float(np.exp(chance.normal(0, noise)))
        seconds = scale * chance.gamma(400, 0.05 / 400, size=calls)
        disturbed = {**QUIET, "others": 0.8} if runs < loud else QUIET
        runs += 1
        rate = side.batch_items * calls / float(seconds.sum())
        return Figures(tuple(seconds.tolist()), rate, scale * 0.002, disturbed)

    return run_side
