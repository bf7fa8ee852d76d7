"""The report of an evaluation: every figure, computed from logits alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.evaluation.ask.items import Split
from models.evaluation.ask.predictions import Predictions
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.measure.accuracy import Reading, measure, measure_file
from models.evaluation.measure.premise import Premise, probe
from models.evaluation.measure.seeds import SeedGroup, compare_seeds
from models.statistics import RESAMPLES
from models.tasks.sets.xcopa import Questions


@dataclass(frozen=True)
class ReportSource:
    """What was asked: the part of a report that its answers do not contain."""

    split: Split | None
    """None for a file of one's own."""
    questions: tuple[Questions, ...]
    answered_by: str
    """Models that were loaded for it, or the URL of a service."""
    revisions: dict[str, str]
    """By run: a variant, or ``variant/seed-n``."""
    file: str | None = None
    """The name of a file of one's own."""
    temperatures: dict[str, float] = field(default_factory=dict)
    """By run."""
    lineages: dict[str, str] = field(default_factory=dict)
    """By run that has it: what it has in common with other seeds, see ``compare_seeds``."""

    @property
    def title(self) -> str:
        """What was asked, in words."""
        return f"items of {self.file}" if self.split is None else f"{self.split} items"


@dataclass(frozen=True)
class Report:
    """An evaluation, ready for tables, figures and files. Shares are from 0 to 1."""

    source: ReportSource
    resamples: int
    """Of every bootstrap; its smallest p-value is one by this plus one."""
    readings: dict[Questions, Reading]
    premise: Premise | None
    """None for a file of one's own, which has no mirrors."""
    seeds: tuple[SeedGroup, ...]
    """Empty where no seeds were asked."""

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the variants; the first two are compared."""
        return next(iter(self.readings.values())).variants


_REPORT = TypeAdapter(Report)


def build(source: ReportSource, predictions: Predictions) -> Report:
    """Compute every figure."""
    if source.split is None:
        reading = measure_file(predictions)
        return Report(source, RESAMPLES, {"upstream": reading}, premise=None, seeds=())
    return Report(
        source=source,
        resamples=RESAMPLES,
        readings={
            reading: measure(predictions, source.split, reading) for reading in source.questions
        },
        premise=probe(predictions, source.split),
        seeds=compare_seeds(predictions, source.split, source.questions, source.lineages),
    )


def save(report: Report, path: Path) -> None:
    """Write the report as JSON."""
    content = json.dumps(_REPORT.dump_python(report, mode="json"), indent=2)
    path.write_text(content + "\n", encoding="utf-8")


def load(path: Path) -> Report:
    """Read what ``save`` wrote.

    Raises:
        EvaluationError: the file is missing or is no report.
    """
    try:
        return _REPORT.validate_json(path.read_bytes())
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise EvaluationError(f"{path} is not a report: {error.errors()[0]['msg']}") from error
