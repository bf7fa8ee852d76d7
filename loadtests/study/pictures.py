"""Draws a study: the effects with their intervals, and accuracy against cost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from loadtests.study.findings import DECIDING, FIGURES, ComparisonKind, Finding, Findings
from loadtests.study.report import CostReport
from models.statistics import Estimate

EFFECTS, PARETO = "study-effects.png", "study-pareto.png"

DOTS_PER_INCH = 150
_COLOURS = {
    ComparisonKind.SAME: "0.5",
    ComparisonKind.VARIANTS: "#0072B2",
    ComparisonKind.FACTOR: "#D55E00",
}
"""From the palette of Okabe and Ito, made for all eyes."""

_MARKERS = "os^Dv"
"""One a model, in its order."""

_THOUSAND = 1000


def draw(report: CostReport, folder: Path) -> list[str]:
    """Write the pictures for which there are figures as PNG, and return their names."""
    wanted: Mapping[str, tuple[bool, Callable[[CostReport], Figure]]] = {
        EFFECTS: (bool(shown(report)), effects),
        PARETO: (bool(report.points), pareto),
    }
    drawn = {name: figure(report) for name, (has_figures, figure) in wanted.items() if has_figures}
    for name, figure in drawn.items():
        FigureCanvasAgg(figure)
        figure.savefig(folder / name, dpi=DOTS_PER_INCH)
    return list(drawn)


def shown(report: CostReport) -> list[Findings]:
    """Return the comparisons that are drawn: other factors differ by so much that they are not."""
    return [
        each for each in report.findings if each.figures and each.kind is not ComparisonKind.FACTOR
    ]


def effects(report: CostReport) -> Figure:
    """Draw the ratio of the two sides, a panel a figure and a line a comparison."""
    drawn = shown(report)
    figure = Figure(figsize=(12, 1.6 + 0.34 * len(drawn)), layout="constrained")
    panels = figure.subplots(1, len(FIGURES), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, FIGURES, strict=True):
        axes.set_title(FIGURES[name] + (" (decides)" if name in DECIDING else ""))
        axes.axvspan(1 / (1 + report.setting.margin), 1 + report.setting.margin, color="0.9")
        axes.axvline(1, color="0.6", linewidth=0.8)
        axes.set_xlabel("second side over first")
        for place, found in enumerate(drawn):
            if (own := found.of(name)) is not None:
                _ratio(axes, place, own, _COLOURS[found.kind])
    panels[0].set_yticks(range(len(drawn)), [each.name for each in drawn])
    panels[0].invert_yaxis()
    figure.suptitle(
        f"Ratios with 95 % intervals; grey: as good as equal, {100 * report.setting.margin:g} %"
    )
    return figure


def _ratio(axes: Axes, place: int, finding: Finding, colour: str) -> None:
    below, above = _arms(finding.ratio)
    axes.errorbar(
        [finding.ratio.value],
        [place],
        xerr=[[below], [above]],
        fmt="o",
        color=colour,
        markersize=4.5,
        capsize=2,
    )


def pareto(report: CostReport) -> Figure:
    """Draw accuracy against the cost of a prediction; filled: nothing beats it in both."""
    figure = Figure(figsize=(7.5, 5.4), layout="constrained")
    axes = figure.subplots()
    for each, marker in zip(report.points, itertools.cycle(_MARKERS), strict=False):
        below, above = _arms(each.accuracy)
        cost, accuracy = _THOUSAND * each.cpu_seconds, 100 * each.accuracy.value
        colour = _COLOURS[ComparisonKind.VARIANTS if each.measured else ComparisonKind.FACTOR]
        axes.errorbar(
            [cost],
            [accuracy],
            yerr=[[100 * below], [100 * above]],
            fmt=marker,
            color=colour,
            markerfacecolor=colour if each.on_front else "white",
            capsize=2,
            label=each.name,
        )
    axes.set_xlabel("processor time of a prediction, engine alone, in ms")
    axes.set_ylabel("% right, mean of the nine languages")
    axes.margins(x=0.15)
    figure.legend(loc="outside lower center", ncols=3)  # two models may lie on one another
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.set_title("Filled: nothing is better in both. Orange: cost follows from the passes")
    return figure


def _arms(estimate: Estimate) -> tuple[float, float]:
    """Return how far the interval reaches to both sides."""
    return (
        max(0.0, estimate.value - estimate.low),
        max(0.0, estimate.high - estimate.value),
    )
