"""The study as a JSON file: everything that the page and the picture show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.evaluation.ask.predictor import EvaluationError
from models.intermediate.condition_recipe import TEXT_SHARE
from models.intermediate.contrasts import Contrast, contrasts
from models.intermediate.figures import ConditionFigures, ConditionOutcome, condition_figures
from models.intermediate.sets import SetPart
from models.machine import processor_name
from models.training.recipe import Phase, Recipe


@dataclass(frozen=True)
class PhaseSetting:
    """The length of a phase."""

    steps: int | None
    epochs: float | None
    batch_tokens: int
    learning_rate: float


@dataclass(frozen=True)
class Setting:
    """What all conditions had in common."""

    base: str
    seeds: tuple[int, ...]
    intermediate: PhaseSetting
    target: PhaseSetting
    text: str | None
    """What was masked; None without."""
    text_share: float
    machine: str


@dataclass(frozen=True)
class StudyReport:
    """The study, with the sets that it had and those that it lacked."""

    setting: Setting
    sets: dict[str, SetPart]
    missing: dict[str, str]
    """Why a set, or the text, is not there."""
    conditions: tuple[ConditionFigures, ...]
    contrasts: dict[str, Contrast]


_ADAPTER = TypeAdapter(StudyReport)


def build(
    template: Recipe,
    text: str | None,
    sets: Mapping[str, SetPart],
    missing: Mapping[str, str],
    outcomes: Sequence[ConditionOutcome],
) -> StudyReport:
    """Compute the report of the conditions that are done."""
    first, target = template.phases
    setting = Setting(
        template.base,
        template.seeds,
        _setting(first),
        _setting(target),
        text,
        TEXT_SHARE,
        processor_name(),
    )
    found = condition_figures(outcomes)
    return StudyReport(setting, dict(sets), dict(missing), found, contrasts(outcomes))


def write(report: StudyReport, path: Path) -> None:
    """Write a report."""
    content = json.dumps(_ADAPTER.dump_python(report, mode="json"), indent=2)
    path.write_text(content + "\n", encoding="utf-8")


def load(path: Path) -> StudyReport:
    """Read a report.

    Raises:
        EvaluationError: the file is missing, or is no such report.
    """
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except OSError as error:
        raise EvaluationError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise EvaluationError(
            f"{path} is no report of this study: {where}: {first['msg']}"
        ) from error


def _setting(phase: Phase) -> PhaseSetting:
    return PhaseSetting(phase.steps, phase.epochs, phase.batch_tokens, phase.learning_rate)
