"""The answer of a study: same, not the same, or none; figure by figure, and of all together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.study.effects import MARGIN, Evidence
from loadtests.study.figure_verdict import Shown, StudyWord
from loadtests.study.findings import DISTURBED, PRIMARY, ComparisonKind, Finding, Findings
from loadtests.study.verdict import StudyVerdict, decide
from models.statistics import Estimate
from tests.loadtests.study.simulated import VARIANTS, studied

EQUIVALENT, NONE = Evidence.EQUIVALENT, Evidence.NONE


def figure(name: str, verdict: str, p: float = 0.5, has_power: bool = True) -> Finding:
    return Finding(name, 1, 1, Estimate(1, 0.9, 1.1), p, 0.01, verdict, 0.01, 3, has_power)


def found(name: str, kind: ComparisonKind, *figures: Finding, disturbed: float = 0.0) -> Findings:
    own = figures or (figure(PRIMARY, EQUIVALENT), figure("p50", EQUIVALENT))
    return Findings(name, "?", kind, ("a", "b"), 5, MARGIN, disturbed, 400, own)


def variants(name: str, *figures: Finding, disturbed: float = 0.0) -> Findings:
    return found(name, ComparisonKind.VARIANTS, *figures, disturbed=disturbed)


def few(name: str, kind: ComparisonKind) -> Findings:
    return replace(found(name, kind), blocks=2, figures=())


def decided(*each: Findings) -> StudyVerdict:
    return decide(each, MARGIN)


SAME = found("A/A", ComparisonKind.SAME)
EQUAL = variants("engine")
FACTOR = found("prompt", ComparisonKind.FACTOR, figure(PRIMARY, Evidence.MORE, 0.0))


def test_equal_in_every_comparison_is_the_same() -> None:
    verdict = decided(SAME, EQUAL, replace(EQUAL, name="HTTP"), FACTOR)
    assert verdict.word is StudyWord.SAME
    assert verdict.reason == (
        "within 3 % are items a second in all 2 comparisons, p50 in all 2 comparisons"
    )
    assert [each.word for each in verdict.figures][:2] == [StudyWord.SAME, StudyWord.SAME]


@pytest.mark.parametrize("name", ["p50", "p99"])
def test_latency_was_not_asked_for_a_verdict(name: str) -> None:
    rate = figure(PRIMARY, EQUIVALENT)
    slow = variants("HTTP", rate, figure(name, Evidence.MORE, 1e-6))
    assert decided(SAME, slow).word is StudyWord.DIFFERENT
    assert decided(SAME, slow).reason == f"they differ by {name} in HTTP"
    unknown = variants("HTTP", rate, figure(name, NONE))
    assert decided(SAME, unknown).word is StudyWord.NOISY
    assert f"is shown of {name} in HTTP" in decided(SAME, unknown).reason


def test_what_lacked_the_power_is_named_and_the_rest_is_the_same() -> None:
    weak = figure("p99", NONE, has_power=False)
    http = variants("HTTP", figure(PRIMARY, EQUIVALENT), figure("p50", EQUIVALENT), weak)
    verdict = decided(SAME, EQUAL, http)
    assert verdict.word is StudyWord.SAME
    assert verdict.reason.endswith("; too few blocks to tell of p99 in HTTP")
    assert "p99 in all" not in verdict.reason
    assert [each.word for each in verdict.figures] == [*2 * [StudyWord.SAME], StudyWord.NOISY]


def test_a_study_whose_throughput_lacks_the_power_mostly_has_no_verdict() -> None:
    weak = variants("HTTP", figure(PRIMARY, NONE, has_power=False))
    assert decided(SAME, EQUAL, weak).word is StudyWord.SAME
    verdict = decided(SAME, EQUAL, weak, replace(weak, name="bf16"))
    assert verdict.word is StudyWord.NOISY
    assert verdict.reason == (
        "more blocks are needed of items a second in HTTP; items a second in bf16"
    )


def test_a_comparison_with_too_few_blocks_is_open() -> None:
    for kind in (ComparisonKind.VARIANTS, ComparisonKind.SAME):
        verdict = decided(SAME, EQUAL, few("HTTP", kind))
        assert verdict == StudyVerdict(StudyWord.FEW, "3 at least are needed of HTTP")
        assert not verdict.decides
    assert decided(SAME, EQUAL, few("prompt", ComparisonKind.FACTOR)).decides


def test_a_difference_counts_after_the_correction_for_all_comparisons() -> None:
    slow = variants("slow", figure(PRIMARY, Evidence.LESS, 0.01))
    others = [variants(str(number), figure(PRIMARY, NONE)) for number in range(9)]
    assert decided(SAME, slow, *others[:1]).word is StudyWord.DIFFERENT
    assert decided(SAME, slow, *others).word is StudyWord.NOISY


@pytest.mark.parametrize("evidence", [Evidence.MORE, Evidence.LESS, Evidence.NONE])
@pytest.mark.parametrize("name", [PRIMARY, "p50", "p99"])
def test_a_side_that_differs_from_itself_ends_all_verdicts(name: str, evidence: Evidence) -> None:
    own = [figure(PRIMARY, EQUIVALENT)] if name != PRIMARY else []
    untrue = found("A/A, HTTP", ComparisonKind.SAME, *own, figure(name, evidence, 0.001))
    verdict = decided(SAME, untrue, EQUAL)
    assert verdict.word is StudyWord.NOISY
    assert "not shown to equal itself" in verdict.reason
    assert "in A/A, HTTP" in verdict.reason


def test_an_a_a_without_the_power_counts_where_it_is_of_throughput_alone() -> None:
    for name, word in ((PRIMARY, StudyWord.NOISY), ("p99", StudyWord.SAME)):
        own = [figure(PRIMARY, EQUIVALENT)] if name != PRIMARY else []
        weak = figure(name, NONE, has_power=False)
        assert decided(found("A/A", ComparisonKind.SAME, *own, weak), EQUAL).word is word


def test_without_an_a_a_or_without_the_variants_there_is_none() -> None:
    assert decided(EQUAL).word is StudyWord.NOISY
    assert decided(SAME).word is StudyWord.NOISY
    assert decided(SAME).reason == "more blocks are needed of the variants"


def test_a_factor_decides_nothing() -> None:
    assert decided(SAME, FACTOR).word is StudyWord.NOISY


def test_a_comparison_that_was_disturbed_is_open_although_it_lacked_the_power() -> None:
    loud = variants("HTTP", figure(PRIMARY, DISTURBED, has_power=False), disturbed=0.3)
    verdict = decided(SAME, EQUAL, EQUAL, EQUAL, loud)
    assert verdict.word is StudyWord.NOISY
    assert "of items a second in HTTP" in verdict.reason


def test_a_study_that_was_disturbed_had_a_verdict_if_no_comparison_was_by_itself() -> None:
    """A difference in a quiet hour says nothing where most of the study had none."""
    slow = variants("slow", figure(PRIMARY, Evidence.LESS, 1e-9))
    loud = replace(FACTOR, blocks=20, disturbed=0.6)
    assert decided(SAME, slow).word is StudyWord.DIFFERENT
    verdict = decided(SAME, slow, loud)
    assert verdict.word is StudyWord.NOISY
    assert verdict.reason == "the machine was disturbed in 40 % of all blocks"
    assert verdict.figures


# By simulation ------------------------------------------------------------------------------


def words(seeds: int, noise: float, slower: dict[str, float] | None = None) -> list[StudyVerdict]:
    """Return the verdicts of studies of six blocks."""
    return [decide(studied(seed, 6, noise, slower), MARGIN) for seed in range(seeds)]


def test_a_study_of_equal_variants_says_that_they_are_and_seldom_that_they_are_not() -> None:
    """Beside a p99 that is so noisy that it lacks the power."""
    found = [each.word for each in words(40, noise=0.01)]
    assert found.count(StudyWord.SAME) >= 34
    assert found.count(StudyWord.DIFFERENT) <= 4


@pytest.mark.parametrize("noise", [0.01, 0.02])
def test_a_comparison_at_the_margin_is_claimed_to_be_the_same_no_more_often_than_said(
    noise: float,
) -> None:
    """5 % of 60 are 3, and 7 are two and a half standard errors more."""
    claimed = [
        verdict
        for verdict in words(60, noise, slower={VARIANTS[0]: 1 + MARGIN})
        if verdict.word is StudyWord.SAME
        and any(VARIANTS[0] in each.that_show(Shown.EQUIVALENT) for each in verdict.figures)
    ]
    assert len(claimed) <= 7


def test_a_slowdown_of_5_percent_in_one_comparison_is_found() -> None:
    found = [each.word for each in words(20, noise=0.007, slower={VARIANTS[3]: 1.05})]
    assert found.count(StudyWord.DIFFERENT) >= 17
