"""The answer to the question of the study, in three sentences with numbers."""

from __future__ import annotations

from collections.abc import Iterator

from app.settings import DIRECT, STILTS
from loadtests.study.findings import ComparisonKind
from loadtests.study.report import CostReport
from models.evaluation.show.numbers import interval, percent


def sentences(report: CostReport) -> Iterator[str]:
    """Say what it costs, what it buys, and what it took; what was not measured is said, too."""
    yield _cost(report)
    yield _gain(report)
    yield _one_time(report)


def _cost(report: CostReport) -> str:
    decided = [
        (each, primary.ratio)
        for each in report.findings
        if each.kind is ComparisonKind.VARIANTS and (primary := each.primary) is not None
    ]
    if not decided:
        return "The cost of an answer was not measured."
    values = [ratio.value for _, ratio in decided]
    low, high = (min(ratio.low for _, ratio in decided), max(ratio.high for _, ratio in decided))
    return (
        f"{STILTS} answers {min(values):.3f} to {max(values):.3f} times as many items a second as "
        f"{DIRECT} in {len(decided)} comparisons (intervals from {low:.3f} to {high:.3f})."
    )


def _gain(report: CostReport) -> str:
    if report.accuracy is None:
        return "What it buys in accuracy was not measured."
    own = report.accuracy
    before, after = (percent(own.variants[name].value) for name in (DIRECT, STILTS))
    return (
        f"On the nine languages that XLM-R has seen, {STILTS} has {after} % right and {DIRECT} "
        f"{before} %, a difference of {interval(own.difference, sign='+')} points."
    )


def _one_time(report: CostReport) -> str:
    if report.one_time is None:
        return "What the intermediate phase cost is not recorded."
    spread = report.one_time.spreads[-1]
    share = 100 * report.one_time.share
    return (
        f"The intermediate phase cost as much as {spread.equal:,.0f} predictions, in "
        f"{spread.unit}, and is less than {share:g} % of the cost after {spread.small:,.0f}."
    )
