"""Intervals and tests for the figures of an evaluation.

``docs/statistics.md`` says which of them answers which question, with formulas and sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest  # type: ignore[import-untyped]

LEVEL = 0.95
"""Of every interval."""

RESAMPLES = 10_000

_MOST_WEIGHTS = 20_000_000
"""That are kept: 160 MB."""

_ROUNDING = 1e-12
"""Sums in another order differ by less; two scores that do differ, differ by more."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(correct: int, total: int) -> Estimate:
    """Return a proportion with its score interval (Wilson 1927, JASA 22:209-212)."""
    if total == 0:
        raise ValueError("a proportion of 0 items has no interval")
    interval = binomtest(correct, total).proportion_ci(LEVEL, method="wilson")
    return Estimate(correct / total, float(interval.low), float(interval.high))


def mcnemar(first_only: int, second_only: int) -> float:
    """Return the two-sided p-value of McNemar's exact test (McNemar 1947, Psychometrika 12).

    If the two are equally good, each item that only one of them answers is as likely to be
    either's: the smaller count is binomial with probability one half.

    Args:
        first_only: items that the first alone answers.
        second_only: items that the second alone answers.
    """
    discordant = first_only + second_only
    return float(binomtest(first_only, discordant).pvalue) if discordant else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in their order (Holm 1979, Scand. J. Stat. 6).

    The chance that any true hypothesis among them falls below a level is at most that level,
    however the tests depend on each other.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def kappa(first: NDArray[np.int64], second: NDArray[np.int64]) -> float | None:
    """Return Cohen's kappa, agreement beyond chance (Cohen 1960, Educ. Psychol. Meas. 20:37-46).

    Args:
        first: shape ``[items]``; a category an item.
        second: the same, of the other rater.

    Returns:
        At most 1; 0 is what raters would reach who choose at random, each as often as it does.
        None where both always choose the same category, so that chance alone agrees fully.
    """
    categories = np.union1d(first, second)
    expected = sum(float((first == each).mean() * (second == each).mean()) for each in categories)
    if expected >= 1:
        return None
    return (float((first == second).mean()) - expected) / (1 - expected)


class Bootstrap:
    """Resamples of the same items for every figure (Efron 1979, Ann. Stat. 7:1-26).

    What is resampled is an item with everything that belongs to it: its translations, the
    answers of both variants, those of every seed. Errors on them go together, and an interval
    that took them for independent would be too narrow.

    A figure is a mean over items of a score an item, so one matrix with the weight of each item
    in each resample gives all figures, and figures of the same items are comparable.
    """

    def __init__(self, items: int, resamples: int = RESAMPLES, seed: int = 0) -> None:
        if items == 0:
            raise ValueError("there are no items to resample")
        self._items = items
        self._resamples = resamples
        self._seed = seed
        small = items * resamples <= _MOST_WEIGHTS
        self._weights = next(self._blocks(resamples)) if small else None

    def _blocks(self, rows: int) -> Iterator[NDArray[np.float64]]:
        """Draw the weights, shape ``[rows, items]`` each time: the same ones every time."""
        generator = np.random.default_rng(self._seed)
        shares = np.full(self._items, 1 / self._items)
        for start in range(0, self._resamples, rows):
            size = min(rows, self._resamples - start)
            yield generator.multinomial(self._items, shares, size=size) / self._items

    def _means(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of each resample; the weights of very many items are drawn anew."""
        if self._weights is not None:
            return self._weights @ scores
        rows = max(1, _MOST_WEIGHTS // (16 * self._items))
        return np.concatenate([block @ scores for block in self._blocks(rows)])

    @staticmethod
    @lru_cache(maxsize=4)
    def of(items: int) -> Bootstrap:
        """Return the resamples of so many items, the same ones every time."""
        return Bootstrap(items)

    @property
    def smallest_p(self) -> float:
        """The smallest p-value that so many resamples can give."""
        return 1 / (1 + self._resamples)

    def estimate(self, scores: NDArray[np.float64]) -> Estimate:
        """Return the mean with its percentile interval (Efron and Tibshirani 1993, chapter 13).

        Args:
            scores: shape ``[items]``.
        """
        return _estimate(float(scores.mean()), self._means(scores))

    def p_not_zero(self, differences: NDArray[np.float64]) -> float:
        """Return the two-sided p-value of a mean difference, were the true one zero.

        The share of resamples whose mean is as far from the observed mean as that is from zero:
        the resamples are centred to make the hypothesis true (Hall and Wilson 1991, Biometrics
        47:757-762). The observed one counts among them, so that p is never 0 (Davison and
        Hinkley 1997, equation 4.11).

        Args:
            differences: shape ``[items]``; paired by item.
        """
        observed = differences.mean()
        swings = np.abs(self._means(differences) - observed)
        return self._share(swings >= abs(observed) - _ROUNDING)

    def p_above(self, scores: NDArray[np.float64], level: float) -> float:
        """Return the one-sided p-value of a mean above a level, were the true one that level.

        Args:
            scores: shape ``[items]``.
            level: such as the accuracy of chance.
        """
        observed = scores.mean()
        swings = self._means(scores) - observed
        return self._share(swings >= observed - level - _ROUNDING)

    @staticmethod
    def _share(extreme: NDArray[np.bool_]) -> float:
        return float((1 + extreme.sum()) / (1 + extreme.size))

    def estimate_of_runs(self, runs: Runs) -> Estimate:
        """Return the mean over runs and items, with the interval that resamples both."""
        return _estimate(float(runs.scores.mean()), self._of_both(runs, 0))

    def compare_runs(self, first: Runs, second: Runs) -> tuple[Estimate, float]:
        """Return how much more the second has, resampling runs and items, and the p-value.

        Items are the same in both and are drawn together; runs are not and are drawn apart.
        """
        observed = float(second.scores.mean() - first.scores.mean())
        drawn = self._of_both(second, 1) - self._of_both(first, 0)
        extreme = np.abs(drawn - observed) >= abs(observed) - _ROUNDING
        return _estimate(observed, drawn), self._share(extreme)

    def _of_both(self, runs: Runs, stream: int) -> NDArray[np.float64]:
        by_run = np.stack([self._means(own) for own in runs.scores], axis=1)
        generator = np.random.default_rng((self._seed, 1 + stream))
        weights = runs.drawn(self._resamples, generator)
        means: NDArray[np.float64] = (by_run * weights).sum(axis=1)
        return means


@dataclass(frozen=True)
class Runs:
    """The scores of several training runs on the same items.

    Runs and items are crossed: each is drawn for itself (Owen 2007, Ann. Appl. Stat. 1:386-411).
    Runs that have something in common, such as an earlier phase, are drawn together, and within
    such a group each again (Field and Welsh 2007, J. R. Stat. Soc. B 69:369-390). With few runs the
    interval is too narrow: the spread that n of them show is on average n - 1 over n of the true.
    """

    scores: NDArray[np.float64]
    """Shape ``[runs, items]``."""
    groups: tuple[str, ...]
    """Of each run, the name of what it has in common with others."""

    def drawn(self, resamples: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Draw the weight of each run in each resample; shape ``[resamples, runs]``."""
        names = list(dict.fromkeys(self.groups))
        of_groups = generator.multinomial(len(names), [1 / len(names)] * len(names), resamples)
        counts = np.zeros((resamples, len(self.groups)))
        for column, name in enumerate(names):
            own = [place for place, group in enumerate(self.groups) if group == name]
            shares = [1 / len(own)] * len(own)
            counts[:, own] = generator.multinomial(of_groups[:, column] * len(own), shares)
        weights: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
        return weights


def _estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high))
