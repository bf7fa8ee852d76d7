"""The peers: how each is started and asked, and the setups that are tried."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from loadtests.peers.setup import PeerSetup

ROOT = Path(__file__).resolve().parents[2]
MOST_WORKERS = 8
"""Processes with a copy of the model each; the service stops at as many engines."""

PeerAnswer = dict[str, Any]
"""With ``label``, ``probabilities`` and ``logits``."""


@dataclass(frozen=True)
class Peer:
    """A server that another project made, with the padded pass behind it."""

    name: str
    arguments: Callable[[PeerSetup], tuple[str, ...]]
    """Of Python."""
    setups: Callable[[int], list[PeerSetup]]
    """What is tried, for a number of threads in all."""
    probe: str
    """The path that answers 200 when the server is up."""
    in_list: bool = False
    """Whether a request and its answer are a list of one."""
    variables: dict[str, str] = field(default_factory=dict)
    stop: signal.Signals = signal.SIGTERM

    def environment(self, setup: PeerSetup, checkpoint: Path) -> dict[str, str]:
        """Return the variables of its process; an empty one is to be taken away."""
        return {
            "PYTHONPATH": str(ROOT),
            # Threads wait and tokenizers share out work as these libraries do by default, not as
            # the service has it, whose variables its children get.
            "OMP_WAIT_POLICY": "",
            "TOKENIZERS_PARALLELISM": "",
            "BENTOML_HOME": str(checkpoint.parent / "bentoml"),
            **self.variables,
            **setup.variables(checkpoint),
        }

    def body(self, item: bytes) -> bytes:
        """Return the body of a request, made of that of a request to the service."""
        return b'{"items": [%s]}' % item if self.in_list else item

    def answer(self, content: bytes) -> PeerAnswer:
        """Return what a response says of the one item."""
        found: PeerAnswer | list[PeerAnswer] = json.loads(content)
        if isinstance(found, dict):
            return found
        [only] = found
        return only


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


def _module(*arguments: str) -> Callable[[PeerSetup], tuple[str, ...]]:
    return lambda setup: ("-m", *arguments)  # noqa: ARG005 - these servers read it by themselves


def _uvicorn(setup: PeerSetup) -> tuple[str, ...]:
    quiet = ("--log-level", "warning", "--no-access-log")
    application = "loadtests.peers.plain:create_plain_app"
    return ("-m", "uvicorn", "--factory", application, "--workers", str(setup.workers), *quiet)


PLAIN = Peer("FastAPI", _uvicorn, splits, "/docs")
LITSERVE = Peer(
    "LitServe",
    _module("loadtests.peers.litserve_server"),
    batched,
    "/health",
    stop=signal.SIGINT,  # at SIGTERM it would leave its processes behind
)
MOSEC = Peer(
    "mosec",
    _module("loadtests.peers.mosec_server"),
    batched,
    "/metrics",
    variables={"MOSEC_TIMEOUT": "60000", "MOSEC_LOG_LEVEL": "warning"},
)
BENTOML = Peer(
    "BentoML",
    _module("bentoml", "serve", "loadtests.peers.bentoml_server:BentoXcopa", "--quiet"),
    partial(batched, waits=False),
    "/readyz",
    in_list=True,
    variables={"BENTOML_DO_NOT_TRACK": "True"},
)

PEERS: Sequence[Peer] = (PLAIN, LITSERVE, MOSEC, BENTOML)
