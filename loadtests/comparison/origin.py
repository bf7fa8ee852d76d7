"""Where a record comes from: what its figures depend on beside the plan and a peer's versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from app.settings import DIRECT, Settings
from app.weights.variant import locate_variant
from loadtests.bench.machine import describe_machine
from loadtests.items import ItemFields

ROOT = Path(__file__).resolve().parents[2]
_SERVICE, _PEERS = ROOT / "app", ROOT / "loadtests" / "peers"
_MACHINE = ("processor", "cores", "instructions", "torch", "python")
_DIGITS = 12


@dataclass(frozen=True)
class RunOrigin:
    """What is the same for all records that may be compared. Code is named by its digest."""

    machine: Mapping[str, object]
    checkpoint: str
    """The revision of the model that all servers have."""
    service: str
    """Of the service's code: a peer's record has loads of the service beside its own."""
    peers: str
    """Of the code of the peers' servers."""
    items: str
    """Of those that are asked."""

    @classmethod
    def here(cls, items: Sequence[ItemFields]) -> Self:
        """Return that of a run that is made now.

        Args:
            items: that are asked.

        Raises:
            StartError: the model cannot be found.
        """
        settings, machine = Settings(), describe_machine()
        checkpoint = locate_variant(DIRECT, settings.variants[DIRECT], settings.cache_dir)
        return cls(
            machine={name: machine[name] for name in _MACHINE},
            checkpoint=checkpoint.revision(),
            service=code_digest(_SERVICE),
            peers=code_digest(_PEERS),
            items=_digest(json.dumps(items, sort_keys=True).encode()),
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def code_digest(folder: Path) -> str:
    """Return a digest of the Python files in a folder: of their names and of what they hold."""
    parts = []
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        parts.append(f"{name}\0{_digest(path.read_bytes())}")
    return _digest("\n".join(parts).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
