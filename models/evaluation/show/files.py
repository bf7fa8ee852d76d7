"""The files of an evaluation: report, pictures, and logits."""

from __future__ import annotations

from pathlib import Path

from models.evaluation.ask import predictions
from models.evaluation.ask.predictions import Predictions
from models.evaluation.measure import report
from models.evaluation.measure.report import Report
from models.evaluation.show import plots
from models.evaluation.show.markdown import to_markdown

REPORT, PAGE, PREDICTIONS = "report.json", "report.md", "predictions.jsonl"


def write(measured: Report, predicted: Predictions, directory: Path) -> None:
    """Write the report as JSON and Markdown, its pictures, and the logits behind it."""
    report.save(measured, directory / REPORT)
    (directory / PAGE).write_text(to_markdown(measured), encoding="utf-8")
    predictions.save(predicted, directory / PREDICTIONS)
    plots.draw(measured, directory)


def recompute(directory: Path) -> Report:
    """Compute the report of a directory again, from the logits in it, and write it.

    Raises:
        EvaluationError: the directory was not written by an evaluation.
    """
    predicted = predictions.load(directory / PREDICTIONS)
    measured = report.build(report.load(directory / REPORT).source, predicted)
    write(measured, predicted, directory)
    return measured
