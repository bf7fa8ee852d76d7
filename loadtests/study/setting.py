"""How a study was made. A folder holds one study: what was made otherwise is not added to it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app import __version__
from app.settings import Settings
from loadtests.bench.machine import describe_machine
from loadtests.study.effects import MARGIN
from loadtests.study.errors import StudyError
from loadtests.study.pair import checkpoints_of_pair

FILE = "setting.json"


@dataclass(frozen=True)
class StudyEffort:
    """How much is measured."""

    quick: bool
    blocks: int
    """Of each comparison, at most."""
    seconds: float
    """That a run measures."""
    warm_up: float
    """Seconds before them."""
    minutes: float
    """Of everything, at most."""
    most_items: int | None
    """Of a language, that are asked for the accuracy of cascades."""


FULL = StudyEffort(quick=False, blocks=8, seconds=4.0, warm_up=1.5, minutes=90.0, most_items=None)
QUICK = StudyEffort(quick=True, blocks=3, seconds=1.5, warm_up=0.5, minutes=10.0, most_items=100)


@dataclass(frozen=True)
class StudySetting:
    """Everything that has to be equal among the blocks of a study."""

    quick: bool
    seed: int
    """Draws the order of the sides."""
    seconds: float
    warm_up: float
    margin: float
    items: str
    revisions: dict[str, str]
    """By variant."""
    version: str
    machine: dict[str, Any]

    @classmethod
    def here(cls, effort: StudyEffort, seed: int, items: str, settings: Settings) -> StudySetting:
        """Describe a study on this machine; raises StartError where a variant is missing."""
        pair = checkpoints_of_pair(settings)
        revisions = {name: checkpoint.revision() for name, checkpoint in pair.items()}
        machine = describe_machine()
        return cls(
            effort.quick,
            seed,
            effort.seconds,
            effort.warm_up,
            MARGIN,
            items,
            revisions,
            __version__,
            machine,
        )


def settle(folder: Path, setting: StudySetting) -> StudySetting:
    """Keep the setting in a folder; return the one that it has, if it is the same.

    Raises:
        StudyError: the folder has a study that was made otherwise; names what differs.
    """
    path = folder / FILE
    if not path.exists():
        path.write_text(json.dumps(asdict(setting), indent=2) + "\n", encoding="utf-8")
        return setting
    try:
        kept = StudySetting(**json.loads(path.read_text(encoding="utf-8")))
        before, now = _compared(kept), _compared(setting)
    except (ValueError, TypeError, AttributeError) as error:
        raise StudyError(f"{path} is no setting of a study: {error}") from error
    for name, value in now.items():
        if before[name] != value:
            raise StudyError(
                f"{folder} has a study with another {name} ({before[name]!r}, now {value!r}); "
                "remove the folder, or name another one with --out"
            )
    return kept


def _compared(setting: StudySetting) -> dict[str, Any]:
    """Return what has to be equal: on another day a study may go on."""
    content = asdict(setting)
    machine = content.pop("machine")
    return {
        **content,
        **{f"machine.{key}": machine.get(key) for key in sorted(machine.keys() - {"date"})},
    }
