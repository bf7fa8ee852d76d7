"""Draws latency against load, a line a policy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from planning.balancing import POLICY_TITLES
from planning.figures import LoadFigures
from planning.report import PlanReport, counted

DOTS_PER_INCH = 150
_COLOURS = {"jsq": "#0072B2", "two": "#009E73", "random": "#D55E00"}
"""From the palette of Okabe and Ito, made for all eyes."""


def draw(report: PlanReport, path: Path) -> None:
    """Write p50 and p99 against the rate, with their intervals, as PNG."""
    figure = Figure(figsize=(8.4, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharex=True)
    for panel, name in zip(panels, ("p50", "p99"), strict=True):
        for policy in dict.fromkeys(policy for policy, _ in report.loads):
            _draw_line(panel, policy, [each for own, each in report.loads if own == policy], name)
        panel.axvline(report.traffic.rate, color="0.4", linestyle=":", label="planned rate")
        panel.set(title=name, xlabel="requests a second", ylabel="seconds", yscale="log")
        panel.grid(color="0.9", which="both")
    panels[1].axhline(report.goal.p99, color="0.4", linestyle="--", label="wanted p99")
    lines, names = panels[1].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside lower center", ncols=3, fontsize="small")
    best = report.best
    replicas, engines = counted(best.replicas, "replica"), counted(best.engines, "engine")
    figure.suptitle(f"{replicas} with {engines} each, and 95 % intervals")
    figure.savefig(path, dpi=DOTS_PER_INCH)


def _draw_line(panel: Axes, policy: str, loads: Sequence[LoadFigures], name: str) -> None:
    """Draw a line; where requests are refused, there is no point."""
    points = [(each.rate, getattr(each, name)) for each in loads]
    finite = [(rate, figure) for rate, figure in points if math.isfinite(figure.value)]
    panel.errorbar(
        [rate for rate, _ in finite],
        [figure.value for _, figure in finite],
        yerr=[
            [figure.value - max(figure.low, 0.01 * figure.value) for _, figure in finite],
            [figure.high - figure.value for _, figure in finite],
        ],
        color=_COLOURS[policy],
        marker="o",
        markersize=3,
        capsize=2,
        linewidth=1,
        label=POLICY_TITLES[policy],
    )
