"""What is drawn is what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

from models.intermediate import picture
from models.intermediate.measured import PANELS
from tests.models.intermediate.made import SHARES, study_report

REPORT = study_report()


def drawn(panel: Any) -> list[Any]:
    found: list[Any] = []
    for container in panel.containers:
        line, _, [bars] = container
        (start, stop) = bars.get_segments()[0][:, 0]
        found.append((tuple(line.get_xydata()[0]), (start, stop)))
    return found


def test_it_is_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "DOTS_PER_INCH", 40)
    picture.draw(REPORT, tmp_path / picture.NAME)
    height, width, _ = imread(tmp_path / picture.NAME).shape
    assert width > height > 100


def test_it_has_a_panel_a_measure_and_a_line_a_condition() -> None:
    panels = picture.figure(REPORT).axes
    assert [panel.get_title() for panel in panels] == list(PANELS.values())
    assert [label.get_text() for label in panels[0].get_yticklabels()] == list(SHARES)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_mark_is_the_accuracy_and_its_bar_the_interval(place: int) -> None:
    panel = list(PANELS)[place]
    estimates = [each.accuracy[panel] for each in REPORT.conditions]
    assert drawn(picture.figure(REPORT).axes[place]) == [
        (
            pytest.approx((100 * each.value, number)),
            pytest.approx((100 * each.low, 100 * each.high)),
        )
        for number, each in enumerate(estimates)
    ]
