"""How a peer is configured: what its server reads from the environment when it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_PREFIX = "PEER_"


@dataclass(frozen=True)
class PeerSetup:
    """Processes, threads and batches of a peer."""

    workers: int
    """Processes that run the model."""
    threads: int
    """Of a forward pass, in each of them."""
    max_batch: int = 1
    """Items that a forward pass takes at most; 1 is a server without batches."""
    wait_ms: int = 0
    """How long a batch waits for more items."""

    def variables(self, checkpoint: Path) -> dict[str, str]:
        """Return what ``read`` and ``checkpoint`` of the server's process find."""
        values = {**self.to_json(), "checkpoint": checkpoint}
        own = {_PREFIX + name.upper(): str(value) for name, value in values.items()}
        # Not more threads than are said, whichever library starts them.
        return {**own, "OMP_NUM_THREADS": str(self.threads)}

    def to_json(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return the setup that the environment holds."""
        names = cls.__dataclass_fields__
        return cls(**{name: int(environment[_PREFIX + name.upper()]) for name in names})

    def __str__(self) -> str:
        workers = f"{self.workers} x {self.threads} threads"
        if self.max_batch == 1:
            return workers
        wait = f", wait {self.wait_ms} ms" if self.wait_ms else ""
        return f"{workers}, batches up to {self.max_batch}{wait}"


def checkpoint(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of the model to serve."""
    return Path(environment[_PREFIX + "CHECKPOINT"])
