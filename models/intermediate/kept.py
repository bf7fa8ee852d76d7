"""What is kept of a condition that is done: its logits, and what its training took.

work/<condition>/logits.jsonl.xz    of each seed, as ``models.evaluation.ask.predictions`` has them
work/<condition>/condition.json     the rest; it is written last, so with it a condition is done
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.compressed import COMPRESSED
from models.evaluation.ask.predictions import Predictions, load, save
from models.intermediate.conditions import Condition

_RECORD = "condition.json"
_LOGITS = f"logits.jsonl{COMPRESSED}"


@dataclass(frozen=True)
class PhaseTaken:
    """What one phase took, as one seed ran it."""

    name: str
    """Its number and its sets."""
    seed: int
    steps: int
    tokens: int
    wall_seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class DoneCondition:
    """What a condition came to, without its logits."""

    condition: Condition
    made_from: str
    """SHA-256 of everything that its models and their answers depend on."""
    phases: tuple[PhaseTaken, ...]
    """Each once; the seeds share the intermediate one."""

    @property
    def intermediate_tokens(self) -> int:
        return sum(phase.tokens for phase in self._intermediate())

    @property
    def intermediate_steps(self) -> int:
        return sum(phase.steps for phase in self._intermediate())

    @property
    def target_tokens(self) -> int:
        """Of all seeds together."""
        return sum(phase.tokens for phase in self.phases) - self.intermediate_tokens

    @property
    def seconds(self) -> float:
        """Of the clock on the wall, of all phases."""
        return sum(phase.wall_seconds for phase in self.phases)

    def _intermediate(self) -> list[PhaseTaken]:
        return [each for each in self.phases if self.condition.sets and each.name.startswith("1-")]


_ADAPTER = TypeAdapter(DoneCondition)


def keep(folder: Path, done: DoneCondition, predictions: Predictions) -> None:
    """Write what a condition came to."""
    folder.mkdir(parents=True, exist_ok=True)
    save(predictions, _partial(folder / _LOGITS))
    _partial(folder / _LOGITS).replace(folder / _LOGITS)
    content = json.dumps(_ADAPTER.dump_python(done, mode="json"), indent=2)
    _partial(folder / _RECORD).write_text(content + "\n", encoding="utf-8")
    _partial(folder / _RECORD).replace(folder / _RECORD)


def read(folder: Path) -> DoneCondition | None:
    """Return what is kept in a folder; None where nothing whole is."""
    try:
        return _ADAPTER.validate_json((folder / _RECORD).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def read_logits(folder: Path) -> Predictions:
    """Read the logits; raises EvaluationError where they are damaged."""
    return load(folder / _LOGITS, {})


def _partial(path: Path) -> Path:
    """Return another name, with the same end, since that says how a file is written."""
    return path.with_name(f"partial-{path.name}")
