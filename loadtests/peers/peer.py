"""A peer: how it is installed, started and asked, and the setups that are tried."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.peers.encoders import TORCH, VARIABLE
from loadtests.peers.environments import ROOT, PeerEnvironment
from loadtests.peers.setup import PeerSetup
from loadtests.peers.wires import PlainWire, Wire

MOST_WORKERS = 8
"""Processes with a copy of the model each; the service stops at as many engines."""


def plain_wire(checkpoint: Path) -> Wire:
    """Return the wire of a peer that is asked as the service is, whatever the checkpoint."""
    del checkpoint
    return PlainWire()


@dataclass(frozen=True)
class Peer:
    """A server that another project made, with the same checkpoint behind it."""

    name: str
    packages: tuple[str, ...]
    """Whose versions a reader wants to know; the first one is the peer's own."""
    environment_of: PeerEnvironment
    arguments: Callable[[PeerSetup, Path], tuple[str, ...]]
    """Of Python, for a setup and a checkpoint."""
    setups: Callable[[int], list[PeerSetup]]
    """What is tried, for a number of threads in all."""
    probe: str
    """The path that answers 200 when the server is up."""
    wire: Callable[[Path], Wire] = plain_wire
    """How it is asked, for a checkpoint; raises ``CannotAskError`` where it cannot be."""
    prepare: tuple[str, ...] = ()
    """Arguments of Python that write what it serves beside the checkpoint."""
    encoder: str = TORCH
    has_null: bool = True
    """Whether its framework can be measured with a model that computes nothing."""
    is_exact: bool = True
    """Whether it computes in fp32, so that its logits are the service's."""
    is_pausable: bool = True
    """Whether it survives that all of its processes are stopped for a while."""
    variables: dict[str, str] = field(default_factory=dict)
    stop: signal.Signals = signal.SIGTERM

    @property
    def slug(self) -> str:
        """Its name in options and files."""
        return self.name.lower().replace(" ", "-")

    def environment(
        self, setup: PeerSetup, checkpoint: Path, encoder: str | None = None
    ) -> dict[str, str]:
        """Return the variables of its process; an empty one is to be taken away.

        Args:
            setup: of this run.
            checkpoint: that is served.
            encoder: another than its own.
        """
        return {
            "PYTHONPATH": str(ROOT),
            # Threads wait and tokenizers share out work as these libraries do by default, not as
            # the service has it, whose variables its children get.
            "OMP_WAIT_POLICY": "",
            "TOKENIZERS_PARALLELISM": "",
            VARIABLE: encoder or self.encoder,
            "BENTOML_HOME": str(checkpoint.parent / "bentoml"),
            **self.variables,
            **setup.variables(checkpoint),
        }

    def versions(self) -> dict[str, str]:
        """Return the versions of its packages."""
        return {name: self.environment_of.version(name) for name in self.packages}


def splits(threads: int) -> list[PeerSetup]:
    """Return the two ways to share threads out: all of them on each pass, or a process each."""
    workers = min(threads, MOST_WORKERS)
    return list(dict.fromkeys([PeerSetup(1, threads), PeerSetup(workers, threads // workers)]))


def batched(threads: int, *, waits: bool = True) -> list[PeerSetup]:
    """Return the setups of a server with batches; all have work when 32 callers ask.

    Args:
        threads: of all workers together.
        waits: whether how long a batch waits is configured, or found by the server itself.
    """
    short, long = (5, 10) if waits else (0, 0)
    whole, each = splits(threads)[0], splits(threads)[-1]
    tried = [
        PeerSetup(whole.workers, whole.threads, 16, short),
        PeerSetup(each.workers, each.threads, max(2, 16 // each.workers), short),
        PeerSetup(each.workers, each.threads, max(2, 32 // each.workers), long),
    ]
    return list(dict.fromkeys(tried))


def one_worker(threads: int) -> list[PeerSetup]:
    """Return the setups of a server that has one process for its model, with all threads."""
    return [PeerSetup(1, threads, 16), PeerSetup(1, threads, 32)]
