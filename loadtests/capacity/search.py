"""The highest rate that holds: bisection on a logarithmic scale, and again at its end."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from loadtests.capacity.sequential import RequestWindow, ServiceGoal, burst_effect, holds

FEWEST_WINDOWS = 5
_TO_FAIL = 2
"""Windows after which a rate may fail; to hold takes ``least_s``."""

_ENOUGH = 5
"""A trial has time for so many bursts of late requests if their share is the bound."""

_NEAREST = 3
"""Trials that say how late requests come at a rate."""

LEAST_EFFECT = 2.0
"""The design effect until the trials of a search show theirs."""

FACTOR = 2.0
"""By which the rate grows or shrinks until one holds and another does not."""

DOUBT = 0.1
"""The chance that one trial on the way is decided wrongly. It costs time, but not the answer: that
needs all trials of its rate together to be as sure as the rules say."""

_ENOUGH_FAILED = 2
"""Trials that must fail for it to be certain: both of them are wrong with a chance of 1 %."""

_MOST_HALVINGS = 7
_MOST_STEPS_DOWN = 6
_MOST_MORE = 6
"""Trials beyond those that are asked for, of a rate that looks good and is not yet sure."""


@dataclass(frozen=True)
class SearchRules:
    """How sure an answer is, and how exact."""

    goal: ServiceGoal
    confidence: float = 0.95
    """That the answer holds, if trials are independent."""
    precision: float = 0.1
    """The rate that does not hold is above that which holds by no more than this share."""
    repeats: int = 2
    """How often the answer is tried again at the end."""
    window_s: float = 2.0
    most_s: float = 300.0
    """A trial that is not decided by then is not decided."""
    most_trials: int = 48

    @property
    def alpha(self) -> float:
        """The chance that the answer is wrong, for each of the rates that may become the answer."""
        return (1 - self.confidence) / _MOST_STEPS_DOWN

    @property
    def least_s(self) -> float:
        """How long a trial lasts at least before it may hold.

        A rate that is too high by the precision lets the wait grow by that many seconds a second.
        So much time has to pass that this would have been twice the bound.
        """
        return max(2 * self.goal.p99_s / self.precision, FEWEST_WINDOWS * self.window_s)

    def limit_s(self, rate: float, effect: float) -> float:
        """How long a trial lasts at most: a low rate needs longer for its requests.

        Args:
            rate: requests a second.
            effect: how many times as many are needed as if they were independent.
        """
        needed = _ENOUGH / self.goal.late * effect / rate
        return max(self.least_s, min(needed, self.most_s))


@dataclass(frozen=True)
class TrialDecision:
    """What the windows of a trial have decided."""

    holds: bool | None
    """None if they have decided nothing."""
    windows: Sequence[RequestWindow]

    @property
    def late_share(self) -> float:
        """Of all requests."""
        return sum(each.late for each in self.windows) / max(1, self.requests)

    @property
    def requests(self) -> int:
        return sum(each.requests for each in self.windows)


def decide(
    windows: Iterator[RequestWindow], rate: float, effect: float, rules: SearchRules
) -> TrialDecision:
    """Take windows of a trial until it is decided, or has lasted too long.

    Args:
        windows: one after the other, as they come.
        rate: requests a second.
        effect: the least design effect.
        rules: see ``SearchRules``.
    """
    seen: list[RequestWindow] = []
    for window in windows:
        seen.append(window)
        lasted, found = len(seen) * rules.window_s, None
        if len(seen) >= _TO_FAIL:
            found = holds(seen, rules.goal, DOUBT, effect)
        if found is False or (found and lasted >= rules.least_s):
            return TrialDecision(found, seen)
        if lasted >= rules.limit_s(rate, effect):
            break
    return TrialDecision(None, seen)


class Decided(Protocol):
    """A rate that was tried."""

    @property
    def rate(self) -> float:
        """Requests a second."""

    @property
    def decision(self) -> TrialDecision:
        """What came of it."""


T = TypeVar("T", bound=Decided)


@dataclass
class CapacityFound(Generic[T]):
    """What a search found."""

    trials: list[T] = field(default_factory=list)
    rate: float | None = None
    """The highest rate that held, also when it was tried again; None if none did."""
    too_high: float | None = None
    """The lowest rate that did not hold, also when it was tried again."""
    noise: list[str] = field(default_factory=list)
    """Why it is not to be relied on."""

    def is_surely_below(self, wanted: float) -> bool:
        """Whether it is certain that a rate is too high.

        A rate holds where a higher one does, and one trial may be wrong with a chance of ``DOUBT``.
        So several have failed at the rate or below it, and none has held at one that failed.
        """
        failed = [
            each.rate
            for each in self.trials
            if each.decision.holds is False and each.rate <= wanted
        ]
        if len(failed) < _ENOUGH_FAILED:
            return False
        held = (each.rate for each in self.trials if each.decision.holds)
        return all(rate < min(failed) for rate in held)


class SearchEndedError(Exception):
    """There were too many trials."""


@dataclass
class CapacitySearch(Generic[T]):
    """Searches for the highest rate that holds.

    Args:
        attempt: tries a rate, with the least design effect that is assumed.
        rules: see ``SearchRules``.
    """

    attempt: Callable[[float, float], T]
    rules: SearchRules
    found: CapacityFound[T] = field(default_factory=CapacityFound)

    def run(self, start: float) -> CapacityFound[T]:
        """Search from a rate that may well be near the answer."""
        try:
            self._search(start)
        except SearchEndedError:
            self.found.noise.append(f"{self.rules.most_trials} trials were too few")
        return self.found

    def _search(self, start: float) -> None:
        low, high = self._bracket(start)
        if low is None:
            self._again_too_high()
        if low is None or high is None:
            return
        while high / low > 1 + self.rules.precision:
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self._seems_to_hold(middle) else (low, middle)
        self.found.rate = low
        self._again(low)
        if self.found.rate is not None:
            self._again_too_high()

    def _bracket(self, start: float) -> tuple[float | None, float | None]:
        """Return a rate that holds and one that does not."""
        low, high, rate = None, None, start
        for _ in range(_MOST_HALVINGS):
            if self._seems_to_hold(rate):
                low, rate = rate, rate * FACTOR
            else:
                high, rate = rate, rate / FACTOR
            if low is not None and high is not None:
                return low, high
        if low is None:
            self.found.noise.append(f"even {FACTOR * rate:.3g} requests/s do not hold")
        else:
            self.found.rate = low
            self.found.noise.append(f"no rate up to {low:.3g} requests/s is too high")
        return low, high

    def _again(self, rate: float) -> None:
        """Try the answer again; unless all of its trials say that it holds, go down."""
        for steps in range(1, _MOST_STEPS_DOWN + 1):
            self.found.rate = rate
            if self._holds_again(rate):
                return
            rate /= (1 + self.rules.precision) ** steps
        self.found.rate = None
        self.found.noise.append(f"no rate down to {rate:.3g} requests/s was sure to hold")

    def _holds_again(self, rate: float) -> bool:
        """Whether a rate holds in trial after trial, and all of them together are sure of it.

        It is also the answer, and the noise says so, if the trials were too short to be sure: those
        of a lower rate would have fewer requests.
        """
        for number in range(1, self.rules.repeats + _MOST_MORE + 1):
            if self._attempted(rate).holds is False:
                said = f"{rate:.3g} requests/s seemed to hold, and did not when tried again"
                self.found.noise.append(said)
                return False
            if number < self.rules.repeats:
                continue
            together = self._together(rate)
            if holds(together.windows, self.rules.goal, self.rules.alpha, self._effect_at(rate)):
                return True
            if together.late_share > self.rules.goal.late / 2:
                return False
        said = f"{self._together(rate).requests} requests were too few to be sure of {rate:.3g}/s"
        self.found.noise.append(f"{said}; allow longer trials")
        return True

    def _together(self, rate: float) -> TrialDecision:
        """Return the windows of all trials of a rate."""
        trials = [each.decision for each in self.found.trials if each.rate == rate]
        return TrialDecision(None, [window for trial in trials for window in trial.windows])

    def _again_too_high(self) -> None:
        """Try the lowest rate that was too high again."""
        failed = [each.rate for each in self.found.trials if each.decision.holds is False]
        if not failed:
            return
        rate = min(failed)
        if self._attempted(rate).holds:
            said = f"{rate:.3g} requests/s did not hold, and did when tried again"
            self.found.noise.append(said)
        else:
            self.found.too_high = rate

    def _seems_to_hold(self, rate: float) -> bool:
        """Say whether to go on with higher rates: where nothing was decided, as it looks."""
        decision = self._attempted(rate)
        if decision.holds is None:
            return decision.late_share < self.rules.goal.late
        return decision.holds

    def _attempted(self, rate: float) -> TrialDecision:
        if len(self.found.trials) >= self.rules.most_trials:
            raise SearchEndedError
        trial = self.attempt(rate, self._effect_at(rate))
        self.found.trials.append(trial)
        return trial.decision

    def _effect_at(self, rate: float) -> float:
        """Return the design effect that trials of the nearest rates have shown: the middle one."""
        nearest = sorted(self.found.trials, key=lambda trial: abs(math.log(trial.rate / rate)))
        shown = [burst_effect(trial.decision.windows, self.rules.goal) for trial in nearest]
        effects = [effect for effect in shown if effect is not None][:_NEAREST]
        return max(LEAST_EFFECT, statistics.median(effects)) if effects else LEAST_EFFECT
