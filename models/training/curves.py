"""Learning curves: loss and validation accuracy of each phase, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from models.training.done import DonePhase

SMOOTHING = 0.95
"""Weight of the past in the running mean of the loss."""


def draw(name: str, phases: Sequence[DonePhase], path: Path) -> None:
    """Draw a run's phases side by side: loss by task above, validation accuracy below."""
    figure = Figure(figsize=(1 + 4.5 * len(phases), 6), layout="constrained")
    FigureCanvasSVG(figure)
    figure.suptitle(f"Training of {name}")
    axes = figure.subplots(2, len(phases), squeeze=False)
    for column, phase in enumerate(phases):
        _draw_loss(axes[0][column], phase)
        _draw_accuracy(axes[1][column], phase)
    # Else the names of its parts are drawn anew, and no two pictures of one run are equal.
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(path, metadata={"Date": None})


def _draw_loss(axis: Any, phase: DonePhase) -> None:
    by_task: dict[str, list[tuple[int, float]]] = {}
    for step, task, loss in phase.progress.losses:
        by_task.setdefault(task, []).append((step, loss))
    for task, points in by_task.items():
        steps, losses = zip(*points, strict=True)
        axis.plot(steps, _smooth(losses), label=task, linewidth=1)
    axis.set(title=phase.title, xlabel="step", ylabel="loss (running mean)")
    axis.legend(fontsize="small")


def _draw_accuracy(axis: Any, phase: DonePhase) -> None:
    evaluations = phase.progress.evaluations
    steps = [evaluation.step for evaluation in evaluations]
    for name in evaluations[0].accuracy:
        values = [100 * evaluation.accuracy[name] for evaluation in evaluations]
        axis.plot(steps, values, marker="o", markersize=3, label=name)
    axis.axvline(phase.chosen.step, color="grey", linestyle=":", label="chosen")
    axis.set(xlabel="step", ylabel="validation accuracy, %")
    axis.legend(fontsize="small")


def _smooth(losses: Sequence[float]) -> list[float]:
    smooth = [losses[0]]
    for loss in losses[1:]:
        smooth.append(SMOOTHING * smooth[-1] + (1 - SMOOTHING) * loss)
    return smooth
