"""The files of an evaluation: its report, its figures, and the logits behind them."""

from __future__ import annotations

from pathlib import Path

from models.evaluation import answers, plots, report
from models.evaluation.answers import Answers
from models.evaluation.markdown import to_markdown
from models.evaluation.report import Report

REPORT, PAGE, PREDICTIONS = "report.json", "report.md", "predictions.jsonl"


def write(measured: Report, answered: Answers, directory: Path) -> None:
    """Write the report as JSON and Markdown, its figures, and the logits behind it."""
    report.save(measured, directory / REPORT)
    (directory / PAGE).write_text(to_markdown(measured), encoding="utf-8")
    answers.save(answered, directory / PREDICTIONS)
    plots.draw(measured, directory)


def recompute(directory: Path) -> Report:
    """Compute the report of a directory again, from the logits in it, and write it.

    Raises:
        EvaluationError: the directory is none that an evaluation wrote.
    """
    answered = answers.load(directory / PREDICTIONS)
    measured = report.build(report.load(directory / REPORT).source, answered)
    write(measured, answered, directory)
    return measured
