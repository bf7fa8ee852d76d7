"""The answer of a study: same, not the same, or none."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.study.effects import MARGIN, Evidence
from loadtests.study.findings import PRIMARY, ComparisonKind, Finding, Findings
from loadtests.study.verdict import StudyVerdict, StudyWord, decide
from models.statistics import Estimate


def found(name: str, kind: ComparisonKind, verdict: Evidence, p: float = 0.5) -> Findings:
    figure = Finding(PRIMARY, 1, 1, Estimate(1, 0.9, 1.1), p, 0.01, verdict, 0.01, 3)
    other = Finding("p99", 1, 1, Estimate(1, 0.9, 1.1), 0.5, 0.5, Evidence.NONE, 0.2, 90)
    return Findings(name, "?", kind, ("a", "b"), 5, MARGIN, 0.0, (other, figure))


def few(name: str, kind: ComparisonKind) -> Findings:
    return Findings(name, "?", kind, ("a", "b"), 2, MARGIN, 0.0, ())


def decided(*each: Findings) -> StudyVerdict:
    return decide(each, MARGIN)


SAME = found("A/A", ComparisonKind.SAME, Evidence.EQUIVALENT)
EQUAL = found("engine", ComparisonKind.VARIANTS, Evidence.EQUIVALENT)
OPEN = found("HTTP", ComparisonKind.VARIANTS, Evidence.NONE)


def several(count: int, p: float) -> Sequence[Findings]:
    less = found("slow", ComparisonKind.VARIANTS, Evidence.LESS, p)
    return [
        less,
        *(found(f"{number}", ComparisonKind.VARIANTS, Evidence.NONE) for number in range(count)),
    ]


def test_equal_in_every_comparison_is_the_same() -> None:
    verdict = decided(
        SAME, EQUAL, EQUAL, found("prompt", ComparisonKind.FACTOR, Evidence.MORE, 0.0)
    )
    assert verdict == StudyVerdict(
        StudyWord.SAME, "within 3 % in all 2 comparisons of their throughput"
    )


def test_one_that_is_open_leaves_the_study_open_and_is_named() -> None:
    verdict = decided(SAME, EQUAL, OPEN)
    assert verdict.word is StudyWord.NOISY
    assert "HTTP" in verdict.reason
    assert "engine" not in verdict.reason


def test_a_comparison_with_too_few_blocks_is_open() -> None:
    for kind in (ComparisonKind.VARIANTS, ComparisonKind.SAME):
        verdict = decided(SAME, EQUAL, few("HTTP", kind))
        assert verdict == StudyVerdict(StudyWord.FEW, "3 at least are needed of HTTP")
        assert not verdict.decides
    assert decided(SAME, EQUAL, few("prompt", ComparisonKind.FACTOR)).decides


def test_a_difference_counts_after_the_correction_for_all_comparisons() -> None:
    assert decided(SAME, *several(1, 0.01)).word is StudyWord.DIFFERENT
    assert decided(SAME, *several(1, 0.01)).reason == "in slow"
    assert decided(SAME, *several(9, 0.01)).word is StudyWord.NOISY


def test_a_side_that_differs_from_itself_ends_all_verdicts() -> None:
    for evidence in (Evidence.MORE, Evidence.LESS, Evidence.NONE):
        verdict = decided(SAME, found("A/A, HTTP", ComparisonKind.SAME, evidence), EQUAL)
        assert verdict.word is StudyWord.NOISY
        assert f"A/A, HTTP: {evidence}" in verdict.reason


def test_without_an_a_a_or_without_the_variants_there_is_none() -> None:
    assert decided(EQUAL).word is StudyWord.NOISY
    assert decided(SAME).word is StudyWord.NOISY


def test_a_factor_decides_nothing() -> None:
    assert (
        decided(SAME, found("prompt", ComparisonKind.FACTOR, Evidence.MORE, 0.0)).word
        is StudyWord.NOISY
    )
