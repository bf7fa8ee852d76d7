"""Draws the accuracy of every condition, a panel for each thing that is reported."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.intermediate.conditions import NONE
from models.intermediate.measured import CHANCE, PANELS
from models.intermediate.report import StudyReport
from models.statistics import Estimate

NAME = "intermediate.png"

DOTS_PER_INCH = 150
_COLOUR, _BASELINE = "#0072B2", "#D55E00"
"""From the palette of Okabe and Ito, made for all eyes."""


def draw(report: StudyReport, path: Path) -> None:
    """Write the picture as PNG."""
    drawn = figure(report)
    FigureCanvasAgg(drawn)
    drawn.savefig(path, dpi=DOTS_PER_INCH)


def figure(report: StudyReport) -> Figure:
    """Draw the panels side by side, a line a condition."""
    height = 1.4 + 0.32 * len(report.conditions)
    made = Figure(figsize=(11, height), layout="constrained")
    panels = made.subplots(1, len(PANELS), sharey=True, squeeze=False)[0]
    for axes, (panel, title) in zip(panels, PANELS.items(), strict=True):
        axes.set_title(title)
        _panel(axes, report, panel)
    names = [each.name for each in report.conditions]
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    made.suptitle("Intermediate training on ..., then COPA: mean of the seeds, 95 % intervals")
    return made


def _panel(axes: Axes, report: StudyReport, panel: str) -> None:
    for place, each in enumerate(report.conditions):
        _mark(axes, place, each.accuracy[panel], _BASELINE if each.name == NONE else _COLOUR)
        if each.name == NONE:
            axes.axvline(100 * each.accuracy[panel].value, color=_BASELINE, linewidth=0.8)
    axes.axvline(100 * CHANCE[panel], color="0.4", linestyle=":")
    axes.set_xlabel("% (dotted: chance)")
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)


def _mark(axes: Axes, place: int, estimate: Estimate, colour: str) -> None:
    below = 100 * max(0.0, estimate.value - estimate.low)
    above = 100 * max(0.0, estimate.high - estimate.value)
    axes.errorbar(
        [100 * estimate.value],
        [place],
        xerr=[[below], [above]],
        fmt="o",
        color=colour,
        markersize=4.5,
        elinewidth=1.2,
        capsize=2,
    )
