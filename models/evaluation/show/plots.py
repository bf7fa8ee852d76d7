"""Draws a report: accuracy by language, and accuracy against confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from app.settings import DIRECT, STILTS
from models.evaluation.measure.accuracy import Reading
from models.evaluation.measure.calibration import ProbabilityCalibration
from models.evaluation.measure.languages import ALL, ELEVEN, NAMES, NINE, POOL_TITLES, language_name
from models.evaluation.measure.report import Report
from models.evaluation.show.tables import READING_TITLES
from models.statistics import Estimate
from models.tasks.sets.copa import CHANCE
from models.tasks.sets.xcopa import ENGLISH

ACCURACY = "accuracy.png"
RELIABILITY = "reliability.png"

DOTS_PER_INCH = 150
LEGEND_AREA = 36
"""Of a mark in a legend, in square points; in a panel it says how many answers there are."""


@dataclass(frozen=True)
class Look:
    """A variant's colour and marker, from the palette of Okabe and Ito, made for all eyes."""

    colour: str
    marker: str
    shift: float
    """Keeps the two from hiding each other, in lines."""


LOOKS = {DIRECT: Look("#D55E00", "s", -0.16), STILTS: Look("#0072B2", "o", 0.16)}
"""Of the pair that ships."""

_COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("^", "D", "v", "P", "X")
_SHIFTS = (0.0, -0.3, 0.3, -0.08, 0.08)


def _looks(variants: Sequence[str]) -> list[tuple[str, Look]]:
    """Return how each variant looks; beyond the pair and five others colours come again."""
    others = [name for name in variants if name not in LOOKS]
    rest = zip(others, cycle(zip(_COLOURS, _MARKERS, _SHIFTS, strict=True)), strict=False)
    looks = LOOKS | {name: Look(*parts) for name, parts in rest}
    return [(name, looks[name]) for name in variants]


def draw(report: Report, directory: Path) -> list[Path]:
    """Write all figures of a report as PNG, and return where they are."""
    figures = {ACCURACY: accuracy(report), RELIABILITY: reliability(report)}
    for name, figure in figures.items():
        FigureCanvasAgg(figure)
        figure.savefig(directory / name, dpi=DOTS_PER_INCH)
    return [directory / name for name in figures]


def accuracy(report: Report) -> Figure:
    """Draw the accuracy of all variants by language, a panel a reading of the questions."""
    first = next(iter(report.readings.values()))
    height = max(5.6, 1 + 0.33 * len(first.languages))
    figure = Figure(figsize=(1.5 + 4.2 * len(report.readings), height), layout="constrained")
    panels = figure.subplots(1, len(report.readings), sharex=True, sharey=True, squeeze=False)
    for panel, (questions, reading) in zip(panels[0], report.readings.items(), strict=True):
        panel.set_title(READING_TITLES[questions])
        _accuracy(panel, reading)
    panels[0][0].invert_yaxis()
    panels[0][0].legend(loc="best")
    figure.suptitle(f"Accuracy, {report.source.title}, with 95 % intervals")
    return figure


def _accuracy(panel: Axes, reading: Reading) -> None:
    means = [each for each in reading.means if each.group in (NINE, ELEVEN, ALL)]
    names = [
        *(language_name(each.language) for each in reading.languages),
        *(f"mean of the {each.group}" for each in means),
    ]
    rows = [
        *(each.accuracy for each in reading.languages),
        *(each.accuracy for each in means),
    ]
    for variant, look in _looks(reading.variants):
        _intervals(panel, variant, look, [row[variant] for row in rows])
    panel.axvline(100 * CHANCE, color="0.4", linestyle=":", label="chance")
    panel.axhline(len(reading.languages) - 0.5, color="0.8", linewidth=0.8)
    panel.set_yticks(range(len(names)), names)
    panel.set_xlabel("accuracy in %")
    panel.grid(axis="x", color="0.9")
    panel.set_axisbelow(True)


def _intervals(panel: Axes, variant: str, look: Look, estimates: Sequence[Estimate]) -> None:
    values = [100 * each.value for each in estimates]
    # Rounding may put the end of an interval a hair beyond its figure.
    below = [100 * max(0.0, each.value - each.low) for each in estimates]
    above = [100 * max(0.0, each.high - each.value) for each in estimates]
    panel.errorbar(
        values,
        [place + look.shift for place in range(len(values))],
        xerr=[below, above],
        fmt=look.marker,
        color=look.colour,
        markersize=4.5,
        elinewidth=1.2,
        capsize=2,
        label=variant,
    )


def reliability(report: Report) -> Figure:
    """Draw accuracy against confidence: English, and the nine languages by reading."""
    panels = _reliability_panels(report)
    figure = Figure(figsize=(3.9 * len(panels), 4.3), layout="constrained")
    axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for panel, (title, calibrations) in zip(axes, panels, strict=True):
        panel.set_title(title)
        panel.plot([50, 100], [50, 100], color="0.4", linestyle=":", label="as promised")
        for variant, look in _looks(report.variants):
            _reliability(panel, variant, look, calibrations[variant])
        panel.set_xlabel("confidence in %")
        panel.grid(color="0.9")
        panel.set_axisbelow(True)
        for mark in panel.legend(loc="lower right").legend_handles:
            if isinstance(mark, PathCollection):
                mark.set_sizes([LEGEND_AREA])
    axes[0].set_ylabel("accuracy in %")
    axes[0].set_ylim(-4, 104)
    figure.suptitle("Reliability; the area of a mark is the number of answers in its bin")
    return figure


def _reliability_panels(report: Report) -> list[tuple[str, dict[str, ProbabilityCalibration]]]:
    first = next(iter(report.readings.values()))
    if ALL in first.calibration:
        return [(POOL_TITLES[ALL], first.calibration[ALL])]
    return [
        (NAMES[ENGLISH], first.calibration[ENGLISH]),
        *(
            (f"nine languages, {READING_TITLES[questions]}", reading.calibration[NINE])
            for questions, reading in report.readings.items()
        ),
    ]


def _reliability(
    panel: Axes, variant: str, look: Look, calibration: ProbabilityCalibration
) -> None:
    bins = [each for each in calibration.bins if each.items]
    panel.scatter(
        [100 * (each.confidence or 0.0) for each in bins],
        [100 * (each.accuracy or 0.0) for each in bins],
        s=[600 * each.items / calibration.items + 4 for each in bins],
        color=look.colour,
        marker=look.marker,
        alpha=0.75,
        linewidths=0,
        label=f"{variant}, ECE {100 * calibration.ece:.1f} %",
    )
