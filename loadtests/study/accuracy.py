"""The accuracy of both variants, from the report of an evaluation of the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from app.settings import STILTS
from loadtests.study.errors import StudyError
from loadtests.study.published import OwnAccuracy
from models.evaluation.ask.predictor import EvaluationError
from models.evaluation.measure import report as evaluation
from models.evaluation.measure.languages import ELEVEN, NINE
from models.intermediate.measured import READING


def own_accuracy(path: Path, revisions: Mapping[str, str]) -> OwnAccuracy:
    """Read a report, as ``xcopa evaluate --out`` writes it.

    Args:
        path: of ``report.json``.
        revisions: of the variants that are studied.

    Raises:
        StudyError: there is no such report, it is of other weights, or of no test split.
    """
    try:
        found = evaluation.load(path)
    except EvaluationError as error:
        raise StudyError(str(error)) from error
    for name, revision in revisions.items():
        if (other := found.source.revisions.get(name)) != revision:
            raise StudyError(
                f"{path} is of other weights: {name} is {other} there and {revision} here; "
                "`xcopa evaluate --out DIR` writes one of these"
            )
    if found.source.split != "test" or READING not in found.readings:
        raise StudyError(f"{path} is not of XCOPA's test split with its questions as published")
    means = {each.group: each for each in found.readings[READING].means}
    return OwnAccuracy(means[NINE].accuracy, means[ELEVEN].accuracy[STILTS], means[NINE].difference)
