"""A study as a JSON file: everything that the page and the pictures show."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from loadtests.study.blocks import DoneBlock
from loadtests.study.cascades import CascadeFigures
from loadtests.study.errors import StudyError
from loadtests.study.findings import Findings, is_loud
from loadtests.study.one_time import OneTimeCost
from loadtests.study.pareto import CostPoint
from loadtests.study.published import OwnAccuracy, Standing
from loadtests.study.refusals import RefusalCost
from loadtests.study.setting import StudySetting
from loadtests.study.tokens import LanguageTokens
from loadtests.study.verdict import StudyVerdict

FILE = "study.json"


@dataclass(frozen=True)
class MachineNoise:
    """What else the machine did, over all blocks; see ``noise.py``."""

    blocks: int
    disturbed: float
    """The share of the blocks in which it did much else."""
    stolen: tuple[float, float]
    """Median and greatest, as of the others."""
    others: tuple[float, float]
    load: tuple[float, float]


@dataclass(frozen=True)
class CostReport:
    """The study, with the parts that it lacks."""

    setting: StudySetting
    minutes: float
    """That the last call of the command took."""
    verdict: StudyVerdict
    findings: tuple[Findings, ...]
    noise: MachineNoise | None
    """None without a block."""
    tokens: tuple[LanguageTokens, ...]
    refusal: RefusalCost | None
    one_time: OneTimeCost | None
    cascades: tuple[CascadeFigures, ...]
    items_for_cascades: int | None
    """Of each set, if not all."""
    accuracy: OwnAccuracy | None
    points: tuple[CostPoint, ...]
    standings: tuple[Standing, ...]
    missing: dict[str, str]
    """What was not measured, and why."""


_ADAPTER = TypeAdapter(CostReport)


def noise_of(blocks: Sequence[DoneBlock]) -> MachineNoise | None:
    """Sum up what the machine did beside all blocks."""
    if not blocks:
        return None
    stolen, others, load = (
        (statistics.median(each), max(each))
        for each in (
            [block.stolen for block in blocks],
            [block.others for block in blocks],
            [block.load for block in blocks],
        )
    )
    disturbed = sum(map(is_loud, blocks)) / len(blocks)
    return MachineNoise(len(blocks), disturbed, stolen, others, load)


def write(report: CostReport, path: Path) -> None:
    """Write a report."""
    content = json.dumps(_ADAPTER.dump_python(report, mode="json"), indent=2, allow_nan=False)
    path.write_text(content + "\n", encoding="utf-8")


def load(path: Path) -> CostReport:
    """Read a report.

    Raises:
        StudyError: the file is missing, or is no such report.
    """
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise StudyError(f"{path} is no report of a study: {where}: {first['msg']}") from error
