"""Puts an evaluation where the project publishes it: figures, logits, pictures, cards and page.

``python -m scripts.publish_evaluation runs/evaluation`` after ``xcopa evaluate --out``.
The report is computed from the logits as they are published, so that whoever has them gets it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.model_settings.sources import SHIPPED_MODELS
from app.settings import VARIANTS
from models.compressed import COMPRESSED
from models.evaluation.ask import predictions
from models.evaluation.ask.predictions import Predictions
from models.evaluation.measure import report
from models.evaluation.measure.report import Report
from models.evaluation.show.files import PREDICTIONS, REPORT
from models.evaluation.show.markdown import card_table, markdown_table
from models.evaluation.show.plots import draw
from models.evaluation.show.tables import Table, tables

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "results" / "accuracy.md"
FIGURES = ROOT / "docs" / "figures"
LOGITS = f"{PREDICTIONS}{COMPRESSED}"
DIGESTS = "SHA256SUMS"


def publish(evaluation: Path, models: Path = SHIPPED_MODELS) -> Report:
    """Write report, logits and digests beside the models.

    Args:
        evaluation: the directory of ``xcopa evaluate --out``.
        models: where the shipped variants are.
    """
    source = report.load(evaluation / REPORT).source
    source = replace(source, answered_by="models loaded for it")
    predicted = predictions.load(evaluation / PREDICTIONS, source.temperatures)
    predictions.save(_in_single_precision(predicted), models / LOGITS)
    measured = report.build(source, predictions.load(models / LOGITS, source.temperatures))
    report.save(measured, models / REPORT)
    write_digests(models)
    return measured


def write_digests(models: Path) -> None:
    """Write SHA-256 of the report and of all published logits, as ``sha256sum`` checks them."""
    published = sorted([models / REPORT, *models.glob(f"*{COMPRESSED}")])
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in published
    )
    (models / DIGESTS).write_text("".join(lines), encoding="utf-8")


def _in_single_precision(predicted: Predictions) -> Predictions:
    """Return the logits with the digits that they have: engines compute no more."""
    logits = {
        run: {key: _shortest(pairs) for key, pairs in own.items()}
        for run, own in predicted.logits.items()
    }
    return replace(predicted, logits=logits)


def _shortest(pairs: predictions.PairLogits) -> predictions.PairLogits:
    return np.array([[float(str(value)) for value in pair] for pair in pairs.astype(np.float32)])


def replace_tables(text: str, made: Sequence[Table]) -> str:
    """Return the page with tables, each under the heading that it has there."""
    for table in made:
        heading = f"### {table.title}\n"
        if heading not in text:
            continue
        before, _, after = text.partition(heading)
        rest = after[after.index("\n|") :]
        end = rest.index("\n\n", 1) if "\n\n" in rest[1:] else len(rest)
        own = f"\n{table.note}\n\n{markdown_table(table.columns, table.rows)}"
        text = f"{before}{heading}{own.rstrip()}{rest[end:] or chr(10)}"
    return text


def replace_card_table(card: str, measured: Report, variant: str) -> str:
    """Return a model card with the accuracies of a report."""
    made = card_table(measured, variant)
    heading = made.partition("\n")[0]
    before, _, after = card.partition(heading)
    end = after.index("\n\n")
    return f"{before}{made.rstrip()}{after[end:]}"


def main() -> None:
    """Publish the evaluation that the command line names."""
    [evaluation] = map(Path, sys.argv[1:])
    measured = publish(evaluation)
    PAGE.write_text(replace_tables(PAGE.read_text("utf-8"), tables(measured)), encoding="utf-8")
    for variant in VARIANTS:
        card = SHIPPED_MODELS / variant / "README.md"
        card.write_text(
            replace_card_table(card.read_text("utf-8"), measured, variant), encoding="utf-8"
        )
    draw(measured, FIGURES)


if __name__ == "__main__":
    main()
