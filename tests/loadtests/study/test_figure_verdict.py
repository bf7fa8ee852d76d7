"""One figure in all comparisons of the variants."""

from __future__ import annotations

import pytest

from loadtests.study.effects import Evidence
from loadtests.study.figure_verdict import FigureVerdict, Shown, StudyWord, by_figure
from loadtests.study.findings import DECIDING, DISTURBED, PRIMARY, ComparisonKind
from tests.loadtests.study.test_verdict import FACTOR, SAME, figure, variants


def of(*shown: Shown) -> FigureVerdict:
    return FigureVerdict("p99", {f"c{number}": each for number, each in enumerate(shown)})


YES, NO, OPEN, WEAK = Shown.EQUIVALENT, Shown.DIFFERENT, Shown.UNDECIDED, Shown.POWERLESS


@pytest.mark.parametrize(
    ("shown", "word"),
    [
        ((YES, YES), StudyWord.SAME),
        ((YES, WEAK), StudyWord.SAME),
        ((YES, WEAK, WEAK), StudyWord.NOISY),
        ((YES, YES, OPEN), StudyWord.NOISY),
        ((YES, YES, OPEN, NO), StudyWord.DIFFERENT),
        ((), StudyWord.NOISY),
    ],
)
def test_a_figure_is_the_same_if_half_show_it_and_none_leaves_it_open(
    shown: tuple[Shown, ...], word: StudyWord
) -> None:
    assert of(*shown).word is word


def test_where_it_is_the_same_is_said_with_all_that_report_it() -> None:
    assert of(YES, YES).extent == "p99 in all 2 comparisons"
    assert of(YES, WEAK, YES).extent == "p99 in 2 of 3 comparisons"
    assert of(YES, WEAK).named(WEAK) == ["p99 in c1"]
    assert of(YES, WEAK).that_show(YES) == ["c0"]


def shown(verdict: str, p: float = 0.5, has_power: bool = True) -> Shown:
    own = variants("own", figure(PRIMARY, verdict, p, has_power))
    return by_figure([own], ComparisonKind.VARIANTS)[0].comparisons["own"]


def test_what_a_comparison_shows() -> None:
    assert shown(Evidence.EQUIVALENT, 0.001) is YES
    assert shown(Evidence.EQUIVALENT, has_power=False) is YES
    assert shown(Evidence.MORE, 0.01) is shown(Evidence.LESS, 0.01) is NO
    assert shown(Evidence.NONE) is OPEN
    assert shown(Evidence.NONE, has_power=False) is WEAK
    assert shown(DISTURBED, has_power=False) is OPEN


def test_a_difference_that_the_correction_takes_away_is_none() -> None:
    slow = variants("slow", figure(PRIMARY, Evidence.MORE, 0.01))
    others = [variants(str(number), figure("p50", Evidence.NONE)) for number in range(9)]
    rate, p50, p99 = by_figure([slow, *others], ComparisonKind.VARIANTS)
    assert rate.comparisons == {"slow": OPEN}
    assert len(p50.comparisons) == 9
    assert p99.comparisons == {}


def test_only_comparisons_of_the_kind_count() -> None:
    found = by_figure([SAME, FACTOR, variants("engine")], ComparisonKind.VARIANTS)
    assert [each.figure for each in found] == list(DECIDING)
    assert [list(each.comparisons) for each in found] == [["engine"], ["engine"], []]
