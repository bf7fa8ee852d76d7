"""``xcopa study``: from its options to a verdict, and the exit status that says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from app.errors import StartError
from app.settings import VARIANTS, Settings
from loadtests.study import command, setting
from loadtests.study.command import StudyOptions
from loadtests.study.comparisons import SHAPES
from loadtests.study.errors import StudyError
from loadtests.study.findings import DECIDING, FIGURES
from loadtests.study.page import ratio
from loadtests.study.report import FILE, CostReport
from loadtests.study.sentences import sentences
from loadtests.study.side_process import RunError
from xcopa.start import failing_on

_ROOT = Path(__file__).resolve().parent.parent
EVALUATION = _ROOT / "models" / "report.json"
INTERMEDIATE = _ROOT / "docs" / "results" / "intermediate.json"

NO_VERDICT = 3
"""The exit status of a study that was too noisy, or too short."""


@dataclass(frozen=True)
class StudyEffortOptions:
    """How much is measured; None is what the kind of run has."""

    quick: bool
    minutes: float | None
    blocks: int | None

    @property
    def effort(self) -> setting.StudyEffort:
        """The effort of the kind of run, with what was asked for in its place."""
        usual = setting.QUICK if self.quick else setting.FULL
        blocks = self.blocks or usual.blocks
        return replace(
            usual,
            minutes=self.minutes or usual.minutes,
            blocks=blocks,
            factor_blocks=min(blocks, usual.factor_blocks),
        )


@dataclass(frozen=True)
class WantedStudy:
    """The options of the command."""

    out: Path
    data: Path | None
    effort: StudyEffortOptions
    shapes: str | None
    """Names with commas between; None takes those of the kind of run."""
    seed: int
    report: Path | None
    intermediate: Path | None


def run(wanted: WantedStudy, settings: Settings) -> None:
    """Study, print the answer, and end with a status that says whether there is one.

    Args:
        wanted: the options.
        settings: name the two variants.
    """
    options = StudyOptions(
        effort=wanted.effort.effort,
        out=wanted.out,
        data=wanted.data,
        evaluation=wanted.report or EVALUATION,
        intermediate=wanted.intermediate or (INTERMEDIATE if INTERMEDIATE.exists() else None),
        shapes=_shapes(wanted),
        seed=wanted.seed,
    )
    with failing_on(StudyError, RunError, StartError, OSError):
        require_pair(settings)
        made = command.study(options, settings)
    show(made, Console())
    typer.echo(f"wrote {wanted.out / FILE} and {wanted.out / command.PAGE}")
    if not made.verdict.decides:
        raise typer.Exit(NO_VERDICT)


def _shapes(wanted: WantedStudy) -> Sequence[str]:
    if wanted.shapes is None:
        return () if wanted.effort.quick else SHAPES
    return [name for name in wanted.shapes.split(",") if name]


def require_pair(settings: Settings) -> None:
    """See that both variants are there.

    Raises:
        StudyError: one is left out; the message names its variable.
    """
    for name in VARIANTS:
        if name not in settings.variants:
            raise StudyError(
                f"a study compares {' and '.join(VARIANTS)}; XCOPA_MODELS__{name.upper()} is to "
                "name a source, and not to leave it out"
            )


def write_page(wanted: WantedStudy) -> None:
    """Write page and pictures of a study that is done."""
    with failing_on(StudyError, OSError):
        command.write_page(wanted.out)
    typer.echo(f"wrote {wanted.out / command.PAGE}")


def show(made: CostReport, console: Console) -> None:
    """Print the answer, and what each comparison shows of the figures that decide."""
    quick = " (a quick run, which is no result)" if made.setting.quick else ""
    told = (f"{made.verdict.word}{quick}: {made.verdict.reason}.", *sentences(made))
    for line in told:
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    table = Table("second over first", *(FIGURES[name] for name in DECIDING), "blocks")
    for each in made.findings:
        figures = [each.of(name) for name in DECIDING]
        shown = ("-" if own is None else f"{ratio(own.ratio)} {own.verdict}" for own in figures)
        table.add_row(each.name, *shown, str(each.blocks))
    console.print(table)
    for what, why in made.missing.items():
        console.print(f"not measured: {what}: {why}", soft_wrap=True, markup=False)
