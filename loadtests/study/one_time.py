"""What the intermediate phase cost, once, and after how many predictions that is nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import XLMRobertaConfig

from loadtests.study.effects import MARGIN
from loadtests.study.errors import StudyError
from models.training.flops import training_flops

RECORD = "training.json"
_PASSES_OF_A_STEP = 3
"""A step of training is a pass forward, and twice as much backward."""


@dataclass(frozen=True)
class Spread:
    """A cost that is paid once, spread over predictions. Both are in the same unit."""

    unit: str
    training: float
    prediction: float
    equal: float
    """Predictions that cost as much as the phase did."""
    small: float
    """Predictions after which the phase is less than ``share`` of what they cost."""

    @classmethod
    def of(cls, unit: str, training: float, prediction: float, share: float) -> Spread:
        equal = training / prediction
        return cls(unit, training, prediction, equal, equal / share)


@dataclass(frozen=True)
class OneTimeCost:
    """The intermediate phase of a variant, as the record of its training has it."""

    phases: tuple[str, ...]
    trained_on: str
    tokens: int
    wall_seconds: float
    share: float
    """Below which a cost counts as nothing: the margin of the study."""
    spreads: tuple[Spread, ...]


def prediction_flops(config: XLMRobertaConfig, rows_of_items: Sequence[tuple[int, ...]]) -> float:
    """Return the floating-point operations of a prediction, on average, without padding.

    Args:
        config: of the encoder.
        rows_of_items: tokens of each row, item by item.
    """
    groups = ((1, length) for rows in rows_of_items for length in rows)
    return training_flops(config, groups) / _PASSES_OF_A_STEP / len(rows_of_items)


def one_time_cost(
    variant: Path, operations: float, cpu_seconds: float | None, share: float = MARGIN
) -> OneTimeCost:
    """Read what the phases before the last one cost.

    Args:
        variant: its directory.
        operations: floating-point, of a prediction.
        cpu_seconds: of a prediction, as measured; None if it was not.
        share: below which a cost counts as nothing.

    Raises:
        StudyError: the variant has no such record, or no phase before the last one.
    """
    record = _read(variant / RECORD)
    try:
        early = _early_phases(record)
        machine = record["machine"]
        spreads = [Spread.of("floating-point operations", _sum(early, "flops"), operations, share)]
        # The processor of a machine with a GPU does little of the work.
        if cpu_seconds is not None and not machine["gpu"]:
            seconds = _sum(early, "cpu_seconds")
            spreads.append(Spread.of("processor seconds", seconds, cpu_seconds, share))
        return OneTimeCost(
            tuple(str(phase["title"]) for phase in early),
            str(machine["gpu"] or machine["processor"]),
            int(_sum(early, "tokens")),
            _sum(early, "wall_seconds"),
            share,
            tuple(spreads),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(f"{variant / RECORD} is no record of a training: {error!r}") from error


def base_of(variant: Path) -> str | None:
    """Return the base that a variant was trained from, if there is a record of it."""
    try:
        return str(_read(variant / RECORD)["recipe"]["base"])
    except (StudyError, KeyError, TypeError):
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise StudyError(f"{path} is no record of a training")
    return content


def _early_phases(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the phases before the last one, of all seeds that went into the variant.

    A title begins with the number of its phase in the recipe.
    """
    last = len(record["recipe"]["phases"])
    early = [
        phase for phase in record["phases"] if int(str(phase["title"]).partition("-")[0]) < last
    ]
    if not early:
        raise StudyError("the variant was trained in one phase, so there is no intermediate one")
    return early


def _sum(phases: Sequence[Mapping[str, Any]], field: str) -> float:
    return float(sum(phase[field] for phase in phases))
