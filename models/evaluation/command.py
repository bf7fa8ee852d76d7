"""Runs an evaluation, from its options to its files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.model_settings.variant_settings import VariantSettings
from models.evaluation.ask.file_items import collect_file
from models.evaluation.ask.items import ItemSets, Split, collect, distinct
from models.evaluation.ask.local import Opener
from models.evaluation.ask.predictions import AdvanceRun, Predictions, predict_all
from models.evaluation.ask.predictor import EvaluationError, Run
from models.evaluation.ask.remote import RemotePredictor
from models.evaluation.ask.service import Service
from models.evaluation.measure.report import ReportSource, build
from models.evaluation.show.console import print_report
from models.evaluation.show.files import write
from models.minute_lines import MinuteLines
from models.tasks.sets.xcopa import Questions

_FEWEST = 2

READINGS: Mapping[str, tuple[Questions, ...]] = {
    "upstream": ("upstream",),
    "repaired": ("repaired",),
    "both": ("upstream", "repaired"),
}


@dataclass(frozen=True)
class Options:
    """What to measure, and where to write it."""

    data: Path | None
    """A data directory; None loads the sets from the hub."""
    split: Split
    readings: tuple[Questions, ...]
    seeds: Mapping[str, Path]
    """By variant: a directory with ``seed-*/variant``."""
    out: Path | None
    items: Path | None = None
    """A file of one's own, which is measured instead of the sets at hand."""

    @classmethod
    def parse(
        cls,
        data: Path | None,
        split: str,
        questions: str,
        seeds: Sequence[str],
        out: Path | None,
        items: Path | None = None,
    ) -> Options:
        """Check options as they come from a command line.

        Args:
            data, out, items: see the class.
            split: ``val`` or ``test``.
            questions: ``upstream``, ``repaired`` or ``both``.
            seeds: each ``VARIANT=DIR``.

        Raises:
            EvaluationError: one of them has no such value.
        """
        if split not in get_args(Split):
            raise EvaluationError(f"--split must be one of {', '.join(get_args(Split))}")
        if questions not in READINGS:
            raise EvaluationError(f"--questions must be one of {', '.join(READINGS)}")
        parts = [each.partition("=") for each in seeds]
        if any(not name or not directory for name, _, directory in parts):
            raise EvaluationError("--seeds must be VARIANT=DIR, such as stilts=DIR")
        if seeds and items is not None:
            raise EvaluationError("--seeds measures COPA and XCOPA; it does not go with --items")
        directories = {name: Path(directory) for name, _, directory in parts}
        part: Split = "val" if split == "val" else "test"
        return cls(data, part, READINGS[questions], directories, out, items)

    def collect(self) -> ItemSets:
        """Load the item sets; raises DataError where one is missing or wrong."""
        if self.items is not None:
            return collect_file(self.items)
        return collect(self.data, self.split, self.readings)

    def source(
        self, answered_by: str, revisions: dict[str, str], predicted: Predictions
    ) -> ReportSource:
        """Return what a report says of where it comes from."""
        of_file = self.items is not None
        return ReportSource(
            split=None if of_file else self.split,
            questions=("upstream",) if of_file else self.readings,
            answered_by=answered_by,
            revisions=revisions,
            file=None if self.items is None else self.items.name,
            temperatures=dict(predicted.temperatures),
            lineages=self.lineages(),
        )

    def lineages(self) -> dict[str, str]:
        """Return which run of earlier phases each seed went through, where it is recorded."""
        found = {
            f"{name}/{path.parent.name}": lineage(path)
            for name, directory in self.seeds.items()
            for path in seed_directories(directory)
        }
        return {run: own for run, own in found.items() if own is not None}


def evaluate_here(
    options: Options, sources: Mapping[str, str | VariantSettings], load: Opener, console: Console
) -> None:
    """Measure models that are loaded in this process, one after the other.

    Args:
        options: what to measure.
        sources: by variant; the first two are compared.
        load: opens a variant.
        console: where the tables go.

    Raises:
        DataError: a set is missing or wrong.
        EvaluationError: there are no such seeds, or a logit is not finite.
        StartError: a model cannot be loaded.
    """
    if unknown := options.seeds.keys() - sources.keys():
        known = ", ".join(sources)
        raise EvaluationError(f"--seeds: there is no variant {min(unknown)}, only {known}")
    runs = [Run(name, partial(load, name, source)) for name, source in sources.items()]
    for name, directory in options.seeds.items():
        runs += [
            Run(name, partial(load, name, str(path)), seed=path.parent.name)
            for path in seed_directories(directory)
        ]
    _evaluate(options, runs, "models loaded for it", console)


def evaluate_service(options: Options, url: str, console: Console, key: str | None = None) -> None:
    """Measure a running service through its public HTTP API.

    Args:
        options: what to measure, without seeds.
        url: of the service.
        console: where the tables go.
        key: the API key to send.

    Raises:
        DataError: a set is missing or wrong.
        EvaluationError: the service cannot be reached, has one model alone, or cannot answer.
    """
    if options.seeds:
        raise EvaluationError(
            "--seeds loads models in this process, so it cannot be used with --against"
        )
    with Service(url, key=key) as service:
        served = {model.name: model for model in service.models()}
        runs = [Run(name, partial(RemotePredictor, service, each)) for name, each in served.items()]
        _evaluate(options, runs, url, console)


def seed_directories(directory: Path) -> list[Path]:
    """Return the models that training left under a run's directory, in the order of seeds.

    Raises:
        EvaluationError: there are none.
    """
    found = sorted(directory.glob("seed-*/variant"), key=lambda path: (len(str(path)), path))
    if not found:
        raise EvaluationError(f"{directory} has no seed-*/variant")
    return found


def lineage(variant: Path) -> str | None:
    """Return which seeds ran the phases before a seed's last one, as its record has it."""
    try:
        record = json.loads((variant / "training.json").read_text(encoding="utf-8"))
        early = [phase["seed"] for phase in record["phases"][:-1]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return "early phases of " + ", ".join(f"seed {seed}" for seed in early) if early else None


def _evaluate(options: Options, runs: Sequence[Run], answered_by: str, console: Console) -> None:
    make_out(options.out)
    if len(names := [run.variant for run in runs if run.seed is None]) < _FEWEST:
        raise EvaluationError(
            f"an evaluation compares two variants, and {answered_by} has {', '.join(names)} alone"
        )
    item_sets = options.collect()
    with _progress(runs, item_sets) as advance_run:
        predicted, revisions = predict_all(runs, item_sets, advance_run)
    measured = build(options.source(answered_by, revisions, predicted), predicted)
    # First, since who reads the tables through a pipe may end this before they are printed.
    if options.out is not None:
        write(measured, predicted, options.out)
    print_report(measured, console)
    if options.out is not None:
        console.print(escape(f"wrote {options.out}"), soft_wrap=True)


def make_out(directory: Path | None) -> None:
    """Make the directory of ``--out``, if one is named, before the work and not after it.

    Raises:
        EvaluationError: it cannot be made, or not be written.
    """
    if directory is None:
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvaluationError(f"--out {directory} cannot be made: {error.strerror}") from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise EvaluationError(f"--out {directory} cannot be written by this user")


@contextmanager
def _progress(runs: Sequence[Run], item_sets: ItemSets) -> Iterator[AdvanceRun]:
    """Show a bar on standard error, or a line a minute where that is no terminal."""
    total = len(runs) * len(distinct(item_sets))
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _telling(total, MinuteLines())
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total)
        yield lambda run, items: progress.update(task, description=run, advance=items)


def _telling(total: int, lines: MinuteLines) -> AdvanceRun:
    done = 0

    def advance(run: str, items: int) -> None:
        nonlocal done
        done += items
        lines.tell(run, done, total, "items")

    return advance
