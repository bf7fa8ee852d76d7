"""How a study was made. A folder holds one study: what was made otherwise is not added to it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app import __version__
from app.settings import Settings
from loadtests.bench.machine import describe_machine
from loadtests.study.block_run import SLICE_S
from loadtests.study.effects import FEWEST_BLOCKS, MARGIN
from loadtests.study.errors import StudyError
from loadtests.study.pair import checkpoints_of_pair

FILE = "setting.json"


@dataclass(frozen=True)
class StudyEffort:
    """How much is measured."""

    quick: bool
    blocks: int
    """Of each comparison that decides, at most."""
    factor_blocks: int
    """Of each other one: what else costs differs by more than a block's spread."""
    seconds: float
    """That a block measures of each side."""
    warm_up: float
    """Seconds of each before them."""
    minutes: float
    """Of everything, at most."""
    most_items: int | None
    """Of a language, that are asked for the accuracy of cascades."""


FULL = StudyEffort(
    quick=False,
    blocks=8,
    factor_blocks=FEWEST_BLOCKS,
    seconds=16.0,
    warm_up=1.5,
    minutes=90.0,
    most_items=None,
)
QUICK = StudyEffort(
    quick=True,
    blocks=FEWEST_BLOCKS,
    factor_blocks=FEWEST_BLOCKS,
    seconds=4.0,
    warm_up=0.5,
    minutes=10.0,
    most_items=100,
)


@dataclass(frozen=True)
class StudySetting:
    """Everything that has to be equal among the blocks of a study."""

    quick: bool
    seed: int
    """Draws the order of the sides."""
    seconds: float
    slice_seconds: float
    """Of a turn, about."""
    warm_up: float
    margin: float
    batch_tokens: int
    """The token budget of every server: what one measures anew for itself varies by chance."""
    items: str
    revisions: dict[str, str]
    """By variant."""
    version: str
    machine: dict[str, Any]

    @classmethod
    def here(
        cls, effort: StudyEffort, seed: int, batch_tokens: int, items: str, settings: Settings
    ) -> StudySetting:
        """Describe a study on this machine; raises StartError where a variant is missing."""
        pair = checkpoints_of_pair(settings)
        return cls(
            quick=effort.quick,
            seed=seed,
            seconds=effort.seconds,
            slice_seconds=SLICE_S,
            warm_up=effort.warm_up,
            margin=MARGIN,
            batch_tokens=batch_tokens,
            items=items,
            revisions={name: checkpoint.revision() for name, checkpoint in pair.items()},
            version=__version__,
            machine=describe_machine(),
        )


def kept_setting(folder: Path) -> StudySetting | None:
    """Return the setting of the study that a folder has; None without one.

    Raises:
        StudyError: its file is no setting.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        kept = StudySetting(**json.loads(path.read_text(encoding="utf-8")))
        _compared(kept)
    except (ValueError, TypeError, AttributeError) as error:
        raise StudyError(f"{path} is no setting of a study: {error}") from error
    return kept


def settle(folder: Path, setting: StudySetting) -> StudySetting:
    """Keep the setting in a folder; return the one that it has, if it is the same.

    Raises:
        StudyError: the folder has a study that was made otherwise; names what differs.
    """
    kept = kept_setting(folder)
    if kept is None:
        content = json.dumps(asdict(setting), indent=2) + "\n"
        (folder / FILE).write_text(content, encoding="utf-8")
        return setting
    before, now = _compared(kept), _compared(setting)
    # A machine may have what the other one had not, such as a GPU.
    for name in before | now:
        if before.get(name) != now.get(name):
            raise StudyError(
                f"{folder} has a study with another {name} ({before.get(name)!r}, now "
                f"{now.get(name)!r}); remove the folder, or name another one with --out"
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
