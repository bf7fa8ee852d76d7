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
from models.minute_lines import MinuteLines
from models.training.curves import SMOOTHING
from models.training.loop import OnStep
from models.training.progress import Progress
from models.training.run import OnPhase


@contextmanager
def training_progress() -> Iterator[OnPhase]:
    """Show a bar a phase on standard error: steps, loss, last validation accuracy, time left.

    Where that is no terminal, a line a minute says the same.
    """
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
    if not (quiet or console.is_terminal):
        yield _telling
        return
    with Bars(*columns, console=console, refresh_per_second=2, disable=quiet) as bars:
        yield lambda title: _add_bar(bars, title)


def _add_bar(bars: Bars, title: str) -> OnStep:
    bar = bars.add_task(title, total=None, loss=float("nan"), accuracy="-")
    smooth = _RunningLoss()

    def on_step(progress: Progress, steps: int) -> None:
        loss = smooth.after(progress)
        accuracy = _accuracy(progress)
        bars.update(bar, total=steps, completed=progress.step, loss=loss, accuracy=accuracy)

    return on_step


def _telling(title: str) -> OnStep:
    lines = MinuteLines()
    smooth = _RunningLoss()

    def on_step(progress: Progress, steps: int) -> None:
        more = f"loss {smooth.after(progress):.3f}, validation {_accuracy(progress)}"
        lines.tell(title, progress.step, steps, "steps", more)

    return on_step


class _RunningLoss:
    """The running mean of the loss of one phase."""

    def __init__(self) -> None:
        self._mean: float | None = None

    def after(self, progress: Progress) -> float:
        loss = progress.losses[-1][2]
        before = loss if self._mean is None else self._mean
        self._mean = SMOOTHING * before + (1 - SMOOTHING) * loss
        return self._mean


def _accuracy(progress: Progress) -> str:
    last = progress.evaluations[-1:]
    return f"{100 * last[0].mean:.1f} %" if last and last[0].accuracy else "-"
