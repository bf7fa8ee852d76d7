"""The files of an evaluation: report, pictures, and logits."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp

from models.compressed import COMPRESSED
from models.disk import flush
from models.evaluation.ask import predictions
from models.evaluation.ask.predictions import Predictions
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.measure import report
from models.evaluation.measure.report import Report
from models.evaluation.show import plots
from models.evaluation.show.markdown import to_markdown

REPORT, PAGE, PREDICTIONS = "report.json", "report.md", "predictions.jsonl"

_LAST = REPORT
"""Takes its place when all others have theirs: it is what a reader opens first."""


def write(measured: Report, predicted: Predictions, directory: Path) -> None:
    """Write the report as JSON and Markdown, its pictures, and the logits behind it.

    All of them are written beside, and are on the disk before the first takes its place: what was
    there stays whole until the new is.

    Raises:
        EvaluationError: the disk is full, or the like; what was there has not changed.
    """
    try:
        made = Path(mkdtemp(prefix=".partial-", dir=directory))
        try:
            _write_all(measured, predicted, made)
            _put_in_place(made, directory)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or error
        raise EvaluationError(f"--out {directory} cannot be written: {reason}") from error


def recompute(directory: Path, out: Path | None) -> Report:
    """Compute the report of a directory again, from the logits in it.

    Args:
        directory: holds a report and its logits, compressed or not.
        out: where report, pictures and logits are written; nowhere for None.

    Raises:
        EvaluationError: the directory was not written by an evaluation, or ``out`` cannot be.
    """
    source = report.load(directory / REPORT).source
    packed = directory / f"{PREDICTIONS}{COMPRESSED}"
    path = packed if packed.exists() else directory / PREDICTIONS
    predicted = predictions.load(path, source.temperatures)
    measured = report.build(source, predicted)
    if out is not None:
        write(measured, predicted, out)
    return measured


def _write_all(measured: Report, predicted: Predictions, directory: Path) -> None:
    report.save(measured, directory / REPORT)
    (directory / PAGE).write_text(to_markdown(measured), encoding="utf-8")
    predictions.save(predicted, directory / PREDICTIONS)
    plots.draw(measured, directory)


def _put_in_place(made: Path, directory: Path) -> None:
    paths = sorted(made.iterdir(), key=lambda path: path.name == _LAST)
    for path in paths:
        flush(path)
    for path in paths:
        path.replace(directory / path.name)
    flush(directory)
