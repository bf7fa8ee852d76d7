"""Shows how far the study is: a bar for each phase, and one for each model that is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.evaluation.ask.items import ItemSets, distinct
from models.evaluation.ask.predictions import AdvanceRun
from models.evaluation.ask.predictor import Run
from models.minute_lines import MinuteLines
from models.training.bars import training_progress
from models.training.run import OnPhase


@dataclass(frozen=True)
class Watch:
    """Shows progress on standard error, each line with the condition that it belongs to."""

    prefix: str = ""

    def of(self, prefix: str) -> Watch:
        """Return what shows the progress of a condition."""
        return replace(self, prefix=f"{prefix}: ")

    @contextmanager
    def training(self) -> Iterator[OnPhase]:
        """Show a bar for each phase."""
        with training_progress() as on_phase:
            yield lambda title: on_phase(self.prefix + title.partition(" ")[2])

    @contextmanager
    def measuring(self, runs: Sequence[Run], item_sets: ItemSets) -> Iterator[AdvanceRun]:
        """Show a bar for each model; where there is no terminal, a line a minute."""
        total = len(distinct(item_sets))
        console = Console(stderr=True)
        if not console.is_terminal:
            yield self._telling(total)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as bars:
            tasks = {
                run.name: bars.add_task(f"{self.prefix}asking {run.seed}", total=total)
                for run in runs
            }
            yield lambda name, items: bars.advance(tasks[name], items)

    def _telling(self, total: int) -> AdvanceRun:
        lines: dict[str, MinuteLines] = {}
        asked: dict[str, int] = {}

        def advance(name: str, items: int) -> None:
            asked[name] = asked.get(name, 0) + items
            seed = name.rpartition("/")[2]
            line = lines.setdefault(name, MinuteLines())
            line.tell(f"{self.prefix}asking {seed}", asked[name], total, "items")

        return advance
