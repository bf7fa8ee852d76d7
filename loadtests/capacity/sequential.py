"""Is a share below a bound? A test that may be looked at after every request.

The evidence against "the share is the bound" is how many times as likely the counts are under a
mixture of all shares as under the bound itself. It is above ``1 / alpha`` at any time with a chance
of at most ``alpha`` if the share is the bound (Ville 1939; Robbins 1970, "Statistical methods
related to the law of the iterated logarithm", Ann. Math. Statist. 41:1397). LoadGen's early
stopping asks the same of binomial counts, but only once, at the end.

Late requests come in bursts, because one that waits has others behind it. So counts are divided by
the design effect: how many times as much the windows of a trial differ as independent requests
would (Kish 1965, "Survey sampling", chapter 5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_FEWEST_TO_JUDGE = 5


@dataclass(frozen=True)
class RequestWindow:
    """Some seconds of a trial, by when its requests were due."""

    requests: int
    late: int
    """Not answered within the bound, or not at all."""
    failed: int
    """Not answered, or not soundly."""


@dataclass(frozen=True)
class ServiceGoal:
    """What has to hold for a rate to count."""

    p99_s: float
    """99 % of the requests are answered within so many seconds."""
    errors: float = 0.01
    """The share of requests that may fail, at most."""

    late: float = 0.01
    """The share that may be late: what the 99 stands for."""


def log_evidence(hits: float, count: float, bound: float) -> float:
    """Return the logarithm of the evidence that the share of hits is not the bound.

    The mixture is the beta distribution with the bound as its mean and the weight of ``1 / bound``
    requests.

    Args:
        hits, count: need not be whole: an effective number of requests is not.
        bound: a share between 0 and 1.
    """
    first, second = 1.0, 1 / bound - 1
    mixture = _log_beta(first + hits, second + count - hits) - _log_beta(first, second)
    return mixture - hits * math.log(bound) - (count - hits) * math.log1p(-bound)


def _log_beta(first: float, second: float) -> float:
    return math.lgamma(first) + math.lgamma(second) - math.lgamma(first + second)


def design_effect(hits: Sequence[int], counts: Sequence[int]) -> float:
    """Return how many times the variance of a share is that of independent requests, 1 at least.

    Args:
        hits, counts: of each window.
    """
    windows, total = len(counts), sum(counts)
    share = sum(hits) / total if total else 0.0
    if windows < 2 or not 0 < share < 1:  # noqa: PLR2004
        return 1.0
    apart = math.fsum((hit - share * count) ** 2 for hit, count in zip(hits, counts, strict=True))
    variance = windows / (windows - 1) * apart / total**2
    return max(1.0, variance * total / (share * (1 - share)))


def is_below(
    hits: Sequence[int], counts: Sequence[int], bound: float, alpha: float, effect: float = 1.0
) -> bool | None:
    """Say whether a share is below a bound, or None while the counts do not decide.

    Args:
        hits, counts: of each window.
        bound: the share.
        alpha: the chance of a wrong answer, at most.
        effect: the least design effect: a trial without a hit does not show its own.
    """
    effect = max(effect, design_effect(hits, counts))
    hit, count = sum(hits) / effect, sum(counts) / effect
    if not count or log_evidence(hit, count, bound) < math.log(1 / alpha):
        return None
    return hit / count < bound


def holds(
    windows: Sequence[RequestWindow], goal: ServiceGoal, alpha: float, effect: float = 1.0
) -> bool | None:
    """Say whether a goal is held, or None while that is not decided.

    Args:
        windows: of one trial.
        goal: both of its shares are tested.
        alpha: the chance of a wrong answer, at most.
        effect: the least design effect of late requests.
    """
    counts = [each.requests for each in windows]
    in_time = is_below([each.late for each in windows], counts, goal.late, alpha / 2, effect)
    answered = is_below([each.failed for each in windows], counts, goal.errors, alpha / 2)
    if in_time is False or answered is False:
        return False
    return True if in_time and answered else None


def burst_effect(windows: Sequence[RequestWindow], goal: ServiceGoal) -> float | None:
    """Return the design effect of a trial whose late requests are about as many as the bound.

    None where there are too few or too many of them to say how they come.
    """
    counts, late = [each.requests for each in windows], [each.late for each in windows]
    share = sum(late) / max(1, sum(counts))
    if len(windows) < _FEWEST_TO_JUDGE or not goal.late / 5 <= share <= 20 * goal.late:
        return None
    return design_effect(late, counts)
