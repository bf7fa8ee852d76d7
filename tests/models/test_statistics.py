"""Intervals and tests that mean what they say: against the literature, and against scipy."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats  # type: ignore[import-untyped]
from numpy.typing import NDArray

from models.statistics import Bootstrap, Runs, holm, kappa, mcnemar, wilson


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_matches_published_examples(
    correct: int, total: int, low: float, high: float
) -> None:
    estimate = wilson(correct, total)
    assert estimate.value == correct / total
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("correct", [0, 10])
def test_wilson_stays_between_nothing_and_everything(correct: int) -> None:
    estimate = wilson(correct, 10)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.high - estimate.low > 0.1


def test_a_proportion_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a proportion of 0 items has no interval$"):
        wilson(0, 0)


@pytest.mark.parametrize(
    ("first_only", "second_only", "p"),
    [
        # Fay, "Exact McNemar's Test and Matching Confidence Intervals", R package exact2x2.
        (2, 9, 0.06543),
        # Agresti 1990, p. 350: approval of a president in two surveys, 86 and 150 change.
        (86, 150, 3.716e-05),
        (5, 5, 1.0),
        (0, 0, 1.0),
        (0, 6, 2 / 2**6),
    ],
)
def test_mcnemar_matches_published_examples(first_only: int, second_only: int, p: float) -> None:
    assert mcnemar(first_only, second_only) == pytest.approx(p, rel=1e-4)
    assert mcnemar(second_only, first_only) == mcnemar(first_only, second_only)


def test_holm_matches_p_adjust_of_r() -> None:
    # p.adjust(c(0.03, 0.01, 0.05, 0.02, 0.04), "holm")
    assert holm([0.03, 0.01, 0.05, 0.02, 0.04]) == pytest.approx([0.09, 0.05, 0.09, 0.08, 0.09])


def test_holm_never_turns_the_order_or_exceeds_one() -> None:
    p_values = [0.9, 0.5, 0.001, 0.4]
    corrected = holm(p_values)
    ordered = [corrected[index] for index in np.argsort(p_values)]
    assert all(first <= second for first, second in pairwise(ordered))
    assert max(corrected) == 1
    assert holm([]) == []


def table(both: int, first: int, second: int, neither: int) -> list[NDArray[np.int64]]:
    rows = [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither
    return list(np.array(rows).T)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # Fifty grant proposals, read by two, as the textbooks have it.
        ((20, 5, 10, 15), 0.4),
        ((45, 15, 25, 15), 0.1304),
        ((25, 35, 5, 35), 0.2593),
    ],
)
def test_kappa_matches_published_examples(
    counts: tuple[int, int, int, int], expected: float
) -> None:
    assert kappa(*table(*counts)) == pytest.approx(expected, abs=5e-5)


def test_kappa_of_raters_who_always_say_the_same_is_undefined() -> None:
    assert kappa(np.ones(5, dtype=np.int64), np.ones(5, dtype=np.int64)) is None


@pytest.fixture(scope="module")
def bootstrap() -> Bootstrap:
    return Bootstrap(200)


@pytest.fixture(scope="module")
def differences() -> NDArray[np.float64]:
    """What two variants that differ by six points or so might leave."""
    return np.random.default_rng(3).choice([-1.0, 0.0, 1.0], p=[0.17, 0.6, 0.23], size=200)


def test_the_interval_is_the_percentile_interval_of_scipy(
    bootstrap: Bootstrap, differences: NDArray[np.float64]
) -> None:
    ours = bootstrap.estimate(differences)
    theirs = scipy.stats.bootstrap(
        (differences,), np.mean, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    assert ours.value == differences.mean()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.006)


def test_the_p_value_is_near_that_of_a_permutation_test(
    bootstrap: Bootstrap, differences: NDArray[np.float64]
) -> None:
    signs = scipy.stats.permutation_test(
        (differences, np.zeros_like(differences)),
        lambda first, second, axis: (first - second).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        rng=np.random.default_rng(5),
    )
    ours = bootstrap.p_not_zero(differences)
    assert 0.01 < ours < 0.3
    assert ours == pytest.approx(signs.pvalue, abs=0.03)
    assert bootstrap.p_not_zero(-differences) == pytest.approx(ours)


def test_the_p_value_above_chance_is_near_that_of_the_binomial_test(bootstrap: Bootstrap) -> None:
    right = (np.arange(200) < 113).astype(float)
    exact = scipy.stats.binomtest(113, 200, alternative="greater").pvalue
    assert bootstrap.p_above(right, 0.5) == pytest.approx(exact, abs=0.01)
    assert bootstrap.p_above(1 - right, 0.5) > 0.9


def test_no_difference_and_full_difference_are_the_ends_of_p(bootstrap: Bootstrap) -> None:
    assert bootstrap.p_not_zero(np.zeros(200)) == 1
    assert bootstrap.p_not_zero(np.ones(200)) == bootstrap.smallest_p == 1 / 10_001


def test_translations_of_the_same_items_do_not_narrow_the_interval(bootstrap: Bootstrap) -> None:
    one = np.random.default_rng(0).integers(0, 2, size=(1, 200)).astype(float)
    eleven = np.repeat(one, 11, axis=0)
    alone = bootstrap.estimate(one.mean(axis=0))
    assert bootstrap.estimate(eleven.mean(axis=0)) == alone
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * 0.5 / 200**0.5, rel=0.1)


def test_resampling_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^there are no items to resample$"):
        Bootstrap(0)


def test_a_resample_as_far_out_as_the_observed_one_counts() -> None:
    # Of two items, a quarter of the resamples hold the second alone, and a half hold both.
    second = np.array([0.0, 1.0])
    assert Bootstrap(2).p_above(second, 0.5) == pytest.approx(0.75, abs=0.02)
    assert Bootstrap(2).p_above(second, 0.0) == pytest.approx(0.25, abs=0.02)


def test_resamples_are_the_same_in_every_run(differences: NDArray[np.float64]) -> None:
    again = Bootstrap(200).estimate(differences)
    assert again == Bootstrap(200).estimate(differences) == Bootstrap.of(200).estimate(differences)
    assert again != Bootstrap(200, seed=1).estimate(differences)


@pytest.mark.parametrize(("most", "kept"), [(50_000, True), (49_999, False), (10, False)])
def test_the_weights_of_many_items_are_not_kept_and_give_the_same_figures(
    monkeypatch: pytest.MonkeyPatch, most: int, kept: bool
) -> None:
    scores = np.random.default_rng(1).random(50)
    whole = Bootstrap(50, resamples=1_000)
    monkeypatch.setattr("models.statistics._MOST_WEIGHTS", most)
    parts = Bootstrap(50, resamples=1_000)
    assert (parts._weights is not None) is kept
    for each in (scores, scores - 0.5):
        ours, theirs = parts.estimate(each), whole.estimate(each)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert parts.p_above(scores, 0.5) == whole.p_above(scores, 0.5)
    assert parts.p_not_zero(scores - 0.5) == whole.p_not_zero(scores - 0.5)
    assert parts.smallest_p == whole.smallest_p


def test_many_items_are_resampled_in_a_fraction_of_the_memory_of_their_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are 8 MB; a sixteenth of what may be kept is drawn at once, as counts and as shares."""
    monkeypatch.setattr("models.statistics._MOST_WEIGHTS", 320_000)
    scores = np.random.default_rng(1).random(1_000)
    tracemalloc.start()
    Bootstrap(1_000, resamples=1_000).estimate(scores)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000


# Runs and items at once --------------------------------------------------------------------------


def runs_of(scores: NDArray[np.float64], *groups: str) -> Runs:
    return Runs(scores, groups or tuple(map(str, range(len(scores)))))


def drawn_runs(
    generator: np.random.Generator, runs: int, items: int, spread: float, level: float = 0.5
) -> NDArray[np.float64]:
    """Scores of runs whose true accuracies differ, on items whose difficulties differ."""
    accuracy = level + spread * generator.standard_normal((runs, 1))
    difficulty = 0.2 * generator.standard_normal((1, items))
    chances = np.clip(accuracy + difficulty, 0, 1)
    return (generator.random((runs, items)) < chances).astype(np.float64)


def test_equal_runs_have_the_interval_of_their_items() -> None:
    items = np.random.default_rng(1).random(200)
    bootstrap = Bootstrap(200)
    both = bootstrap.estimate_of_runs(runs_of(np.stack([items] * 4)))
    alone = bootstrap.estimate(items)
    assert (both.value, both.low, both.high) == pytest.approx((alone.value, alone.low, alone.high))


def test_the_spread_of_runs_is_that_of_their_mean() -> None:
    """Without any difference between items, only runs vary: by their variance over their number."""
    levels = np.array([0.4, 0.5, 0.6, 0.7])
    found = Bootstrap(10, resamples=50_000).estimate_of_runs(runs_of(np.tile(levels[:, None], 10)))
    assert found.value == pytest.approx(0.55)
    half = 1.96 * levels.std() / np.sqrt(4)
    assert (found.low, found.high) == pytest.approx((0.55 - half, 0.55 + half), abs=0.015)


def test_runs_of_one_group_stand_and_fall_together() -> None:
    """Two groups are two draws, however many runs each has."""
    scores = np.tile(np.array([0.4, 0.4, 0.4, 0.6, 0.6, 0.6])[:, None], 5)
    bootstrap = Bootstrap(5, resamples=20_000)
    apart = bootstrap.estimate_of_runs(runs_of(scores))
    together = bootstrap.estimate_of_runs(runs_of(scores, *"aaabbb"))
    assert (together.low, together.high) == (0.4, 0.6)
    assert 0.4 < apart.low < apart.high < 0.6


def test_runs_within_a_group_are_drawn_again() -> None:
    scores = np.tile(np.array([0.2, 0.8])[:, None], 5)
    found = Bootstrap(5, resamples=20_000).estimate_of_runs(runs_of(scores, "a", "a"))
    assert (found.low, found.value, found.high) == pytest.approx((0.2, 0.5, 0.8))


def test_the_weights_of_every_resample_sum_to_one() -> None:
    runs = runs_of(np.zeros((5, 3)), *"aabbb")
    weights = runs.drawn(1000, np.random.default_rng(0))
    assert weights.shape == (1000, 5)
    assert weights.sum(axis=1) == pytest.approx(1)
    assert weights.min() == 0
    # A group of three brings three runs where it is drawn, so it weighs more than one of two.
    assert 0.4 < weights.mean(axis=0)[:2].sum() < 0.5


def test_a_real_difference_between_runs_is_found_and_none_where_there_is_none() -> None:
    generator = np.random.default_rng(3)
    first, second, third = (drawn_runs(generator, 6, 400, 0.01, level) for level in (0.5, 0.5, 0.6))
    bootstrap = Bootstrap.of(400)
    same, p_same = bootstrap.compare_runs(runs_of(first), runs_of(second))
    more, p_more = bootstrap.compare_runs(runs_of(first), runs_of(third))
    assert p_same > 0.05
    assert p_more < 0.01
    assert more.value == pytest.approx(third.mean() - first.mean())
    assert same.low < 0 < same.high
    assert 0 < more.low < more.value < more.high


def test_runs_of_the_two_sides_are_drawn_apart() -> None:
    """Drawn together, two equal sides would never differ."""
    scores = np.tile(np.array([0.3, 0.7])[:, None], 10)
    difference, p = Bootstrap(10).compare_runs(runs_of(scores), runs_of(scores))
    assert (difference.low, difference.high) == pytest.approx((-0.4, 0.4))
    assert difference.value == 0.0
    assert p == 1.0


@pytest.mark.slow
def test_the_interval_over_runs_and_items_covers_what_it_says() -> None:
    """Of new runs on new items; somewhat less with few runs, and never wildly so."""
    generator = np.random.default_rng(7)
    covered = 0
    for _ in range(300):
        pair = [runs_of(drawn_runs(generator, 6, 300, 0.02)) for _ in range(2)]
        found, _ = Bootstrap(300, resamples=1000).compare_runs(*pair)
        covered += found.low <= 0 <= found.high
    assert 0.88 <= covered / 300 <= 0.99
