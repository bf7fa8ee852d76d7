"""``python -m models.evaluation``: what can be made of an evaluation that was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.settings import VARIANTS
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.measure import report
from models.evaluation.measure.report import Report
from models.evaluation.show.console import print_report
from models.evaluation.show.files import recompute as compute_again
from models.evaluation.show.markdown import card_table, to_markdown

app = typer.Typer(
    help="What can be made of an evaluation that was written.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

ReportFile = Annotated[Path, typer.Argument(help="A report.json.")]


@app.command()
def markdown(file: ReportFile) -> None:
    """Print a report as Markdown."""
    typer.echo(to_markdown(_load(file)), nl=False)


@app.command()
def card(
    file: ReportFile, variant: Annotated[str, typer.Argument(help="direct or stilts.")]
) -> None:
    """Print the table of a variant's model card."""
    if variant not in VARIANTS:
        raise _failure(f"there is no variant {variant}")
    typer.echo(card_table(_load(file), variant), nl=False)


@app.command()
def recompute(
    directory: Annotated[Path, typer.Argument(help="Where xcopa evaluate --out wrote.")],
) -> None:
    """Compute every figure again from the logits in predictions.jsonl; no model is needed."""
    try:
        print_report(compute_again(directory), Console())
    except EvaluationError as error:
        raise _failure(str(error)) from error


def _load(file: Path) -> Report:
    try:
        return report.load(file)
    except EvaluationError as error:
        raise _failure(str(error)) from error


def _failure(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(1)


if __name__ == "__main__":
    app()
