"""The pictures of a report: what is drawn is what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from models.evaluation.measure.languages import NAMES
from models.evaluation.measure.report import Report
from models.evaluation.show import plots
from models.evaluation.show.plots import LOOKS
from models.statistics import Estimate

SMALL = 40
"""Dots an inch: enough to see that a picture is one."""


def test_figures_are_drawn(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "DOTS_PER_INCH", SMALL)
    paths = plots.draw(report, tmp_path)
    assert [path.name for path in paths] == ["accuracy.png", "reliability.png"]
    for path in paths:
        height, width, _ = imread(path).shape
        assert height > 3 * SMALL
        assert width > height


def test_the_accuracy_figure_names_what_it_shows(report: Report) -> None:
    first, second = plots.accuracy(report).axes
    assert [first.get_title(), second.get_title()] == [
        "questions as published",
        "questions repaired",
    ]
    labels = [label.get_text() for label in first.get_yticklabels()]
    assert labels == [*NAMES.values(), "mean of the nine", "mean of the eleven"]
    legend = first.get_legend()
    assert legend is not None
    assert {text.get_text() for text in legend.get_texts()} == {"chance", "direct", "stilts"}


@pytest.mark.parametrize("variant", ["direct", "stilts"])
def test_a_mark_is_the_accuracy_and_its_bar_the_interval(report: Report, variant: str) -> None:
    panel = plots.accuracy(report).axes[1]
    marks, bars = drawn(panel, variant)
    reading = report.readings["repaired"]
    nine, eleven, _ = reading.means
    estimates = [each.accuracy[variant] for each in reading.languages]
    estimates += [each.accuracy[variant] for each in (nine, eleven)]
    rows = np.arange(len(estimates)) + LOOKS[variant].shift
    assert marks == [
        pytest.approx((100 * each.value, row)) for each, row in zip(estimates, rows, strict=True)
    ]
    assert bars == [pytest.approx((100 * each.low, 100 * each.high)) for each in estimates]


def drawn(panel: Any, variant: str) -> tuple[list[Any], list[tuple[float, float]]]:
    """Return the marks of a variant and the ends of its bars."""
    [container] = [each for each in panel.containers if each.get_label() == variant]
    line, _, [bars] = container
    ends = [(segment[0][0], segment[1][0]) for segment in bars.get_segments()]
    return list(zip(*line.get_data(), strict=True)), ends


def test_an_interval_that_rounding_puts_beyond_its_figure_is_drawn(report: Report) -> None:
    """Matplotlib refuses an error bar of negative length."""
    reading = report.readings["repaired"]
    accuracy = {"direct": Estimate(1.0, 0.7, 1.0 - 1e-16), "stilts": Estimate(0.0, 1e-16, 0.3)}
    sure = replace(reading.languages[0], accuracy=accuracy)
    changed = replace(reading, languages=(sure, *reading.languages[1:]))
    figure = plots.accuracy(replace(report, readings={"repaired": changed}))
    _, bars = drawn(figure.axes[0], "stilts")
    assert bars[0] == pytest.approx((0.0, 30.0))


def test_reliability_is_of_english_and_of_the_nine_in_each_reading(report: Report) -> None:
    axes = plots.reliability(report).axes
    assert [axis.get_title() for axis in axes] == [
        "English",
        "nine languages, questions as published",
        "nine languages, questions repaired",
    ]
    own = report.readings["repaired"].calibration["nine"]["stilts"]
    [marks] = [each for each in axes[2].collections if str(each.get_label()).startswith("stilts")]
    assert marks.get_label() == f"stilts, ECE {100 * own.ece:.1f} %"
    filled = [each for each in own.bins if each.items]
    expected = [(100 * (each.confidence or 0), 100 * (each.accuracy or 0)) for each in filled]
    assert np.asarray(marks.get_offsets()).tolist() == [pytest.approx(each) for each in expected]


def test_the_area_of_a_mark_grows_with_its_answers(report: Report) -> None:
    own = report.readings["repaired"].calibration["nine"]["direct"]
    [marks, _] = plots.reliability(report).axes[2].collections
    counts = [each.items for each in own.bins if each.items]
    areas = np.asarray(marks.get_sizes())  # type: ignore[attr-defined]
    assert len(set(counts)) > 1
    assert np.argsort(areas, kind="stable").tolist() == np.argsort(counts, kind="stable").tolist()
