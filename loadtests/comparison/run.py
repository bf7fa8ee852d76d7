"""Puts the service and its peers through the plan."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from app.engine.threads import choose_threads
from app.settings import DIRECT, Settings
from loadtests.bench.inputs import body
from loadtests.bench.machine import describe_machine
from loadtests.bench.observing import SERVICE as NULL_SERVICE
from loadtests.bench.peers import ExpectedAnswers
from loadtests.bench.servers import BenchServer, started, uvicorn
from loadtests.comparison.answers import AnswerTally, WireCase
from loadtests.comparison.contender import Contender
from loadtests.comparison.figures import ContenderFigures, capacity
from loadtests.comparison.origin import RunOrigin
from loadtests.comparison.plan import OURS, SIDES, THEIRS, LoadPlan
from loadtests.comparison.store import REASON, ServerRecord
from loadtests.items import ItemFields
from loadtests.peers.encoders import NULL
from loadtests.peers.install import install
from loadtests.peers.peer import Peer
from loadtests.peers.setup import PeerSetup
from loadtests.peers.wires import CannotAskError, PlainWire, Wire
from scripts.install import InstallError

SERVICE_NAME = SERVICE_SLUG = "service"
_MIB = 2**20
_BELOW_CAPACITY = 0.5
"""Where the search for the Server rate begins."""


class PeerFailedError(Exception):
    """A peer cannot be compared; says in one line why."""


CANNOT_RUN = (
    *(InstallError, PeerFailedError, CannotAskError),
    *(SystemExit, OSError, RuntimeError, psutil.Error),
)
"""What a peer may raise that does not run as it should: the others are compared all the same."""


@dataclass(frozen=True)
class ComparisonRun:
    """Compares peers with a service that runs.

    Args:
        plan: what each is put through.
        origin: what the figures depend on besides.
        items: that are asked.
        expected: what the service answers, by the body of a request to it.
        checkpoint: that all peers serve.
        folder: gets LoadGen's logs.
        say: gets lines for a person.
    """

    plan: LoadPlan
    origin: RunOrigin
    items: Sequence[ItemFields]
    expected: ExpectedAnswers
    checkpoint: Path
    folder: Path
    say: Callable[[str], None]

    def service(self, server: BenchServer) -> Contender:
        """Return the service as a contender; its answers are those that it has given before."""
        case = WireCase.expecting(PlainWire(), self.expected, AnswerTally(is_exact=True))
        return Contender(SERVICE_NAME, server, case, self.plan)

    def service_record(self, ours: Contender, start_s: float) -> ServerRecord:
        """Measure of the service what does not depend on a peer."""
        ours.closed(self.plan.warm_up_s)
        own = capacity([ours.closed(self.plan.seconds)])
        rate = ours.server_rate(
            *(_BELOW_CAPACITY * own, DIRECT, self.items),
            *(self.folder / SERVICE_SLUG, self.say),
        )
        with started(uvicorn(NULL_SERVICE)) as server:
            null = self._null(SERVICE_NAME, server, PlainWire())
        return {
            **self._head(SERVICE_NAME, SERVICE_SLUG, {}),
            "start_s": start_s,
            "memory_mib": ours.server.memory / _MIB,
            "server": rate.to_json(),
            "null": null.to_json(),
        }

    def peer_record(self, peer: Peer, ours: Contender) -> ServerRecord:
        """Install, tune, and measure a peer; what stands in the way becomes the reason."""
        head = self._head(peer.name, peer.slug, peer.versions())
        try:
            return {**head, **self._compared(peer, ours)}
        except CANNOT_RUN as error:
            self.say(f"{peer.name}: {error}")
            return {**head, REASON: " ".join(str(error).split())}

    def _head(self, name: str, slug: str, versions: Mapping[str, str]) -> dict[str, Any]:
        return {
            "name": name,
            "slug": slug,
            "versions": dict(versions),
            "plan": self.plan.to_json(),
            "origin": self.origin.to_json(),
            "machine": describe_machine(),
        }

    def _compared(self, peer: Peer, ours: Contender) -> dict[str, Any]:
        peer.wire(self.checkpoint)  # before hours are spent on one that cannot be asked
        install(peer.environment_of, say=self.say)
        self._prepare(peer)
        tried = self._trials(peer)
        setup = max(tried, key=tried.__getitem__)
        tally = AnswerTally(peer.is_exact)
        began = time.monotonic()
        with self._running(peer, setup) as server:
            start_s = time.monotonic() - began
            theirs = self._contender(peer, server, tally)
            loads = self._loads(ours, theirs, peer)
            own = capacity([ContenderFigures.from_json(each) for each in loads["closed"][THEIRS]])
            memory = server.memory / _MIB
            rate = theirs.server_rate(
                *(_BELOW_CAPACITY * own, DIRECT, self.items),
                *(self.folder / peer.slug, self.say),
            )
        return {
            "setup": str(setup),
            "tried": {str(each): rate for each, rate in tried.items()},
            "start_s": start_s,
            "memory_mib": memory,
            **loads,
            "server": rate.to_json(),
            "agreement": tally.agreement.to_json(),
            "null": self._peer_null(peer, setup),
        }

    def _loads(self, ours: Contender, theirs: Contender, peer: Peer) -> dict[str, Any]:
        """Load both sides in turns, closed and then open."""
        sides = {OURS: ours, THEIRS: theirs}
        for each in sides.values():
            each.closed(self.plan.warm_up_s)
        closed: dict[str, list[ContenderFigures]] = {side: [] for side in SIDES}
        for side in self.plan.turns():
            with _alone(side, theirs.server, peer):
                found = sides[side].closed(self.plan.seconds)
            check_sound(sides[side].name, found)
            closed[side].append(found)
        own = {side: capacity(closed[side]) for side in SIDES}
        for side, each in sides.items():
            if not own[side]:
                raise PeerFailedError(f"{each.name}: most loads ended before the first answer")
        arrived: dict[float, dict[str, ContenderFigures]] = {}
        for share, side in self.plan.arrivals():
            with _alone(side, theirs.server, peer):
                found = sides[side].open(share * own[side], self.plan.seconds)
            arrived.setdefault(share, {})[side] = found
            self.say(f"{sides[side].name} at {share:.0%}: p99 {found.p99_ms:.0f} ms")
        return {
            "closed": {side: [each.to_json() for each in closed[side]] for side in SIDES},
            "open": [
                {"share": share, **{side: each[side].to_json() for side in SIDES}}
                for share, each in arrived.items()
            ],
        }

    def _trials(self, peer: Peer) -> dict[PeerSetup, float]:
        """Return the requests per second of each setup that works."""
        tried, failures = {}, []
        for setup in peer.setups(choose_threads(Settings().threads).threads):
            try:
                tried[setup] = self._tried(peer, setup)
            except CANNOT_RUN as error:
                failures.append(f"with {setup}, {error}")
                self.say(f"{peer.name} {failures[-1]}")
        if not tried:
            raise PeerFailedError("; ".join(failures))
        return tried

    def _tried(self, peer: Peer, setup: PeerSetup) -> float:
        """Return the requests per second of a setup."""
        with self._running(peer, setup) as server:
            contender = self._contender(peer, server, AnswerTally(peer.is_exact))
            contender.closed(self.plan.warm_up_s)
            found = contender.closed(self.plan.trial_s)
        check_sound(peer.name, found)
        self.say(f"{peer.name} with {setup}: {found.answered_per_s:.1f} requests per second")
        return found.answered_per_s

    def _peer_null(self, peer: Peer, setup: PeerSetup) -> dict[str, Any] | None:
        if not peer.has_null:
            return None
        with self._running(peer, setup, NULL) as server:
            return self._null(peer.name, server, peer.wire(self.checkpoint)).to_json()

    def _null(self, name: str, server: BenchServer, wire: Wire) -> ContenderFigures:
        case = WireCase.unjudged(wire, [body(item, DIRECT) for item in self.items])
        contender = Contender(name, server, case, self.plan)
        contender.closed(self.plan.warm_up_s)
        return contender.closed(self.plan.seconds)

    def _contender(self, peer: Peer, server: BenchServer, tally: AnswerTally) -> Contender:
        case = WireCase.expecting(peer.wire(self.checkpoint), self.expected, tally)
        return Contender(peer.name, server, case, self.plan)

    def _prepare(self, peer: Peer) -> None:
        """Write what a peer serves, in its own environment."""
        if not peer.prepare:
            return
        variables = peer.environment(PeerSetup(1, 1), self.checkpoint)
        environment = {name: value for name, value in (os.environ | variables).items() if value}
        command = [str(peer.environment_of.python), *peer.prepare]
        done = subprocess.run(  # noqa: S603 - our own module
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:]
            raise PeerFailedError(f"its model could not be converted: {' '.join(last)}")

    @contextmanager
    def _running(
        self, peer: Peer, setup: PeerSetup, encoder: str | None = None
    ) -> Iterator[BenchServer]:
        variables = peer.environment(setup, self.checkpoint, encoder)
        arguments, python = peer.arguments(setup, self.checkpoint), peer.environment_of.python
        with started(arguments, peer.probe, python, peer.stop, **variables) as server:
            yield server


def check_sound(who: str, load: ContenderFigures) -> None:
    """Raise PeerFailedError if answers were missing or not the service's: they have no speed."""
    if load.failed_share:
        said = f"{who}: {load.failed_share:.1%} of the answers were not sound"
        raise PeerFailedError(f"{said}: {load.failures}")


@contextmanager
def _alone(side: str, theirs: BenchServer, peer: Peer) -> Iterator[None]:
    """Pause the peer while it is not its turn: some poll."""
    if side == THEIRS or not peer.is_pausable:
        yield
        return
    theirs.pause()
    try:
        yield
    finally:
        theirs.resume()
