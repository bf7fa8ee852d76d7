"""A prediction of a file, from its rows to its output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from models.prediction.answers import ItemPredictor, Pace, answers
from models.prediction.output import AnsweringModel, choice_of, output_line
from models.prediction.resume import OutputFile, output_file
from models.prediction.rows import STANDARD_INPUT, opened, read_rows
from models.prediction.tally import Tally
from models.tasks.example import DataError

Show = Callable[[int, Tally], None]
"""Called with the bytes of the input that are done, and the counts so far."""


@dataclass(frozen=True)
class FilePrediction:
    """What to predict, and where the answers go."""

    path: Path
    """JSON lines or CSV; ``-`` is standard input."""
    out: Path | None
    """None is standard output, which cannot be gone on in."""

    def check(self) -> None:
        """Say what cannot work before a model is loaded.

        Raises:
            DataError: there is no such input, or it would be its own output.
        """
        if self.path == STANDARD_INPUT:
            return
        if not self.path.exists():
            raise DataError(f"{self.path} does not exist")
        if self.out is not None and self.out.exists() and self.out.samefile(self.path):
            raise DataError(f"--out {self.out} is the input; name another file")


def predict_file(
    wanted: FilePrediction, model: str, load: Callable[[], ItemPredictor], pace: Pace
) -> Tally:
    """Answer every row of a file; an interrupted run goes on where it was.

    Args:
        wanted: what to predict.
        model: the name of the model that answers.
        load: opens it, once input and output are open.
        pace: how many rows at once.

    Returns:
        The counts, those of the earlier run included.

    Raises:
        DataError: the input or the output cannot be used.
        EvaluationError: the model can be asked no more.
        StartError: the model cannot be loaded.
    """
    wanted.check()
    with opened(wanted.path) as source, _sink(wanted.out) as sink:
        rows = read_rows(source, wanted.path)
        predictor = load()
        answering = AnsweringModel(model, predictor.revision, predictor.temperature)
        tally = Tally()
        with _progress(wanted) as show:
            for row, choice in sink.resumed(rows, answering):
                tally.add(row, choice)
            with closing(answers(rows, predictor, pace)) as found:
                for answered in found:
                    sink.write(b"".join(output_line(*each, answering) for each in answered))
                    for row, outcome in answered:
                        tally.add(row, choice_of(outcome))
                    show(answered[-1][0].end, tally)
    return tally


@contextmanager
def _sink(out: Path | None) -> Iterator[OutputFile]:
    if out is not None:
        with output_file(out) as sink:
            yield sink
    else:
        yield OutputFile(Path("standard output"), sys.stdout.buffer)


@contextmanager
def _progress(wanted: FilePrediction) -> Iterator[Show]:
    """Draw a bar on standard error, where that is a terminal and no rows are printed there."""
    drawn = sys.stderr.isatty() and (wanted.out is not None or not sys.stdout.isatty())
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not drawn) as bar:
        size = None if wanted.path == STANDARD_INPUT else wanted.path.stat().st_size
        task = bar.add_task("", total=size)

        def show(done: int, tally: Tally) -> None:
            said = f"{tally.rows:,} rows, {tally.failed:,} failed"
            bar.update(task, completed=done, description=said)

        yield show
