"""The picture of a run: the losses of each task, the validation, and what was chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from models.training import curves
from tests.models.training import runs


@pytest.fixture
def figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Figure:
    """The figure of a run of two phases, kept as it is saved."""
    kept: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *arguments: Any, **options: Any) -> None:
        kept.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    phases = [runs.done(tmp_path / name) for name in ("1-piqa", "2-copa")]
    curves.draw("stilts", phases, tmp_path / "curves.svg")
    return kept[0]


def lines(axis: Any) -> dict[str, list[tuple[float, float]]]:
    return {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axis.lines}


def test_phases_stand_side_by_side_with_the_loss_above(figure: Figure) -> None:
    assert [axis.get_title() for axis in figure.axes] == ["1-piqa", "2-copa", "", ""]
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert labels == [*2 * ["loss (running mean)"], *2 * ["validation accuracy, %"]]
    assert figure.get_suptitle() == "Training of stilts"


def test_each_task_has_a_curve_of_its_own_losses(figure: Figure) -> None:
    drawn = lines(figure.axes[0])
    assert drawn.keys() == {"copa", "piqa"}
    assert drawn["copa"] == [(0, 1.0), (2, pytest.approx(0.95))]
    assert drawn["piqa"] == [(1, 2.0), (3, pytest.approx(1.95))]


def test_each_validation_set_has_a_curve_and_the_chosen_step_a_line(figure: Figure) -> None:
    drawn = lines(figure.axes[2])
    assert drawn["copa/val"] == [(2, 50.0), (4, 75.0)]
    assert drawn["piqa/val"] == [(2, 90.0), (4, 85.0)]
    assert [step for step, _ in drawn["chosen"]] == [4, 4]


def test_the_picture_is_written_without_the_time_of_its_making(
    figure: Figure, tmp_path: Path
) -> None:
    text = (tmp_path / "curves.svg").read_text("utf-8")
    assert "<svg" in text
    assert "<dc:date>" not in text
    assert figure.axes


def test_a_run_has_one_picture(tmp_path: Path) -> None:
    phases = [runs.done(tmp_path / "2-copa")]
    pictures = []
    for name in ("a.svg", "b.svg"):
        curves.draw("stilts", phases, tmp_path / name)
        pictures.append((tmp_path / name).read_bytes())
    assert pictures[0] == pictures[1]


def test_the_running_mean_of_a_constant_is_that_constant() -> None:
    np.testing.assert_allclose(curves._smooth([2.0] * 50), 2.0)
