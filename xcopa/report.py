"""``xcopa report``: print the results of a finished evaluation."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console

from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.command import make_out
from models.evaluation.measure import report
from models.evaluation.show.console import print_report
from models.evaluation.show.files import recompute
from models.evaluation.show.markdown import card_table, to_markdown
from xcopa.start import failing_on, failure


def print_markdown(file: Path) -> None:
    """Print a ``report.json`` as Markdown."""
    with failing_on(EvaluationError):
        typer.echo(to_markdown(report.load(file)), nl=False)


def print_card(file: Path, variant: str) -> None:
    """Print the table of a variant's model card."""
    with failing_on(EvaluationError):
        measured = report.load(file)
    if variant not in measured.variants:
        raise failure(f"there is no variant {variant}, only {' and '.join(measured.variants)}")
    typer.echo(card_table(measured, variant), nl=False)


def print_recomputed(directory: Path, out: Path | None) -> None:
    """Compute every number again from the logits of a written evaluation, and print it."""
    with failing_on(EvaluationError):
        make_out(out)
        print_report(recompute(directory, out), Console())
