"""A progress bar for each phase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import PartialState
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from app.process import quiet_transformers
from models.training.curves import SMOOTHING
from models.training.loop import OnStep
from models.training.progress import Progress
from models.training.run import OnPhase


@contextmanager
def training_progress() -> Iterator[OnPhase]:
    """Show a bar a phase on standard error: steps, loss, last validation accuracy, time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}  validation {task.fields[accuracy]}"),
        TimeRemainingColumn(),
    )
    # The library's own bars and reports on heads that are new by design would tear ours apart.
    quiet_transformers()
    console = Console(stderr=True)
    quiet = not PartialState(cpu=not torch.cuda.is_available()).is_main_process
    with Bars(*columns, console=console, refresh_per_second=2, disable=quiet) as bars:
        yield lambda title: _add_bar(bars, title)


def _add_bar(bars: Bars, title: str) -> OnStep:
    bar = bars.add_task(title, total=None, loss=float("nan"), accuracy="-")
    smooth: list[float] = []

    def on_step(progress: Progress, steps: int) -> None:
        loss = progress.losses[-1][2]
        smooth[:] = [SMOOTHING * smooth[0] + (1 - SMOOTHING) * loss] if smooth else [loss]
        evaluations = progress.evaluations
        accuracy = f"{100 * evaluations[-1].mean:.1f} %" if evaluations else "-"
        bars.update(bar, total=steps, completed=progress.step, loss=smooth[0], accuracy=accuracy)

    return on_step
