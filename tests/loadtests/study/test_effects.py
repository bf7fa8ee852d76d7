"""Effects and equality: planted ones are found, none is found in nothing, and noise says so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from loadtests.study.effects import MARGIN, Block, Effect, Evidence
from loadtests.study.setting import FULL


def blocks(count: int, ratio: float = 1.0, noise: float = 0.01, seed: int = 0) -> list[Block]:
    """Simulate blocks whose ratios have noise."""
    chance = np.random.default_rng(seed)
    sides = np.exp(chance.normal(0, noise / math.sqrt(2), (count, 2)))
    return [Block(float(first), float(ratio * second)) for first, second in sides]


def test_a_run_of_one_side_against_itself_is_equivalent() -> None:
    effect = Effect.of(blocks(8))
    assert effect.verdict is Evidence.EQUIVALENT
    assert effect.ratio.low < 1 < effect.ratio.high
    assert effect.p > 0.05


@pytest.mark.parametrize(("ratio", "verdict"), [(1.05, Evidence.MORE), (0.95, Evidence.LESS)])
def test_a_planted_difference_of_5_percent_is_found(ratio: float, verdict: Evidence) -> None:
    effect = Effect.of(blocks(8, ratio))
    assert effect.verdict is verdict
    assert effect.ratio.low < ratio < effect.ratio.high
    assert effect.p < 0.01


def test_a_difference_within_the_margin_is_equivalent_although_it_is_found() -> None:
    effect = Effect.of(blocks(12, 1.01, noise=0.002))
    assert effect.p < 0.01
    assert effect.verdict is Evidence.EQUIVALENT


def test_a_run_that_is_too_noisy_gives_no_verdict_and_says_what_it_could_have_found() -> None:
    effect = Effect.of(blocks(4, noise=0.1))
    assert effect.verdict is Evidence.NONE
    assert effect.detectable > MARGIN
    assert effect.blocks_needed > 4


def test_the_tests_are_those_of_students_t() -> None:
    effect = Effect.of(blocks(7, 1.02, noise=0.02, seed=3))
    assert effect.p == pytest.approx(stats.ttest_1samp(effect.log_ratios, 0).pvalue)
    edge = math.log1p(MARGIN)
    below = stats.ttest_1samp(effect.log_ratios, edge, alternative="less").pvalue
    above = stats.ttest_1samp(effect.log_ratios, -edge, alternative="greater").pvalue
    assert effect.p_equivalent == pytest.approx(max(below, above))
    interval = stats.t.interval(
        0.95, 6, loc=math.log(effect.ratio.value), scale=stats.sem(effect.log_ratios)
    )
    assert [math.log(effect.ratio.low), math.log(effect.ratio.high)] == pytest.approx(interval)


def test_equality_is_shown_where_the_90_percent_interval_is_within_the_margin() -> None:
    for seed in range(40):
        effect = Effect.of(blocks(5, 1.01, noise=0.015, seed=seed))
        inside = effect.within.low > 1 / (1 + MARGIN) and effect.within.high < 1 + MARGIN
        assert inside == (effect.verdict is Evidence.EQUIVALENT)


def test_intervals_cover_the_true_ratio_as_often_as_they_say() -> None:
    """Of 400, between 92.5 and 97.5 %: two and a half standard errors around 95 %."""
    covered = 0
    for seed in range(400):
        ratio = Effect.of(blocks(5, 1.04, noise=0.03, seed=seed)).ratio
        covered += ratio.low <= 1.04 <= ratio.high
    assert 0.925 <= covered / 400 <= 0.975


def test_sides_at_the_margin_pass_as_equal_no_more_often_than_said() -> None:
    passed = sum(
        Effect.of(blocks(6, 1 + MARGIN, noise=0.01, seed=seed)).verdict is Evidence.EQUIVALENT
        for seed in range(400)
    )
    assert passed / 400 <= 0.08


def test_the_power_is_what_it_says() -> None:
    """What is called detectable is found about four times of five."""
    noise, count = 0.02, 8
    factor = sum(stats.t.ppf([0.975, 0.8], count - 1))
    detectable = math.exp(factor * noise / math.sqrt(count))
    found = sum(
        Effect.of(blocks(count, detectable, noise=noise, seed=seed)).p < 0.05 for seed in range(300)
    )
    assert 0.7 <= found / 300 <= 0.9
    said = [Effect.of(blocks(count, noise=noise, seed=seed)).detectable for seed in range(100)]
    assert sum(said) / 100 == pytest.approx(detectable - 1, rel=0.15)


def test_so_many_blocks_as_it_asks_for_nearly_always_show_equality() -> None:
    effect = Effect.of(blocks(200, noise=0.03))
    shown = sum(
        Effect.of(blocks(effect.blocks_needed, noise=0.03, seed=seed)).verdict
        is Evidence.EQUIVALENT
        for seed in range(1000, 1200)
    )
    assert 0.92 <= shown / 200 <= 0.99


def test_whether_there_were_so_many_blocks_depends_on_the_spread_alone() -> None:
    powers = set()
    for noise in (0.005, 0.01, 0.02, 0.04, 0.06):
        equal, slower = (Effect.of(blocks(6, ratio, noise=noise)) for ratio in (1.0, 1.05))
        assert equal.has_power == slower.has_power == (equal.blocks_needed <= 6)
        powers.add(equal.has_power)
    assert powers == {True, False}


def test_intervals_cover_where_single_runs_are_far_too_slow() -> None:
    """One run of ten is disturbed, by a half on average; that falls on both sides alike."""
    chance = np.random.default_rng(5)

    def run(ratio: float) -> float:
        late = chance.exponential(0.5) if chance.random() < 0.1 else 0.0
        return ratio * (1 + late) * math.exp(chance.normal(0, 0.01))

    covered = 0
    for _ in range(400):
        made = [Block(run(1), run(1.04)) for _ in range(6)]
        ratio = Effect.of(made).ratio
        covered += ratio.low <= 1.04 <= ratio.high
    assert covered / 400 >= 0.925


def test_blocks_without_any_noise_are_decided() -> None:
    same, more = ([Block(1.0, own)] * 3 for own in (1.0, 1.1))
    assert Effect.of(same).verdict is Evidence.EQUIVALENT
    assert (Effect.of(same).p, Effect.of(same).p_equivalent) == (1.0, 0.0)
    assert Effect.of(more).verdict is Evidence.MORE
    assert (Effect.of(more).p, Effect.of(more).p_equivalent) == (0.0, 1.0)


def test_too_few_blocks_and_figures_without_a_ratio_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^2 blocks; 3 at least show a spread$"):
        Effect.of(blocks(2))
    with pytest.raises(ValueError, match=r"^0\.0 has no ratio to anything$"):
        Effect.of([Block(1.0, 0.0)] * 3)


REAL_SPREAD = 0.015
"""Of blocks of the real service on a quiet machine, at most."""


@pytest.mark.parametrize(("ratio", "verdict"), [(1.0, Evidence.EQUIVALENT), (1.05, Evidence.MORE)])
def test_the_real_tests_have_the_blocks_that_they_need(ratio: float, verdict: Evidence) -> None:
    """At least 98 %: each of them is tried once."""
    shown = sum(
        Effect.of(blocks(FULL.blocks, ratio, noise=REAL_SPREAD, seed=seed)).verdict is verdict
        for seed in range(400)
    )
    assert shown / 400 >= 0.98
