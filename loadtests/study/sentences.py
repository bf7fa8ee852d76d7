"""The answer to the question of the study, in three sentences with numbers."""

from __future__ import annotations

from collections.abc import Iterator

from app.settings import DIRECT, STILTS
from loadtests.study.findings import P99, PRIMARY, ComparisonKind
from loadtests.study.report import CostReport
from models.evaluation.show.numbers import interval, percent


def sentences(report: CostReport) -> Iterator[str]:
    """Say what it costs, what it buys, and what it took; what was not measured is said, too."""
    yield _cost(report)
    yield _gain(report)
    yield _one_time(report)


def _cost(report: CostReport) -> str:
    rate, p50, p99 = (_range(report, figure) for figure in (PRIMARY, "p50", P99))
    if not rate:
        return "The cost of an answer was not measured."
    latency = f"the p50 of a call is {p50} that of {DIRECT}" + (f", the p99 {p99}" if p99 else "")
    return f"{STILTS} answers {rate} as many items a second as {DIRECT}, and {latency}."


def _range(report: CostReport, figure: str) -> str:
    """Say between what the ratios of all comparisons of the variants lie; empty without one."""
    found = [each.of(figure) for each in report.findings if each.kind == ComparisonKind.VARIANTS]
    ratios = [each.ratio for each in found if each is not None]
    if not ratios:
        return ""
    values = [ratio.value for ratio in ratios]
    low, high = min(ratio.low for ratio in ratios), max(ratio.high for ratio in ratios)
    return (
        f"{min(values):.3f} to {max(values):.3f} times (95 % intervals from {low:.3f} to "
        f"{high:.3f}, {len(ratios)} comparisons)"
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
