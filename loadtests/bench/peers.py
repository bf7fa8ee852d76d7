"""Compares the service with other servers, each with its own batching and the padded pass.

Which setup of a peer is the fastest here is tried first. Then all take turns, round by round; a
peer whose turn it is not is paused, since some poll. Every answer is compared with the service's.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track

from app.engine.threads import choose_threads
from app.settings import DIRECT, Settings
from loadtests.bench.checkpoint import exported
from loadtests.bench.closed_load import CALLERS, ClosedLoad, closed_load
from loadtests.bench.inputs import batch_body, body, mixed_items
from loadtests.bench.results import RATIO, BenchResult, medians
from loadtests.bench.servers import JSON, SERVICE, BenchServer, started
from loadtests.items import ItemFields
from loadtests.peers.catalogue import PEERS
from loadtests.peers.install import install
from loadtests.peers.peer import Peer
from loadtests.peers.setup import PeerSetup
from loadtests.peers.wires import PeerAnswer, PlainWire, Wire
from scripts.install import InstallError

ROUNDS, ROUND_S, WARM_UP_S, TRIAL_S = 5, 5.0, 1.5, 3.0
ITEMS, ITEMS_A_CALL = 256, 32
TOLERANCE = 1e-3
"""By which logits and probabilities may differ from the service's."""

SERVICE_NAME = "service"

ExpectedAnswers = Mapping[bytes, PeerAnswer]
"""What the service answers, by the body of a request to it."""

PeerRound = Mapping[str, ClosedLoad]
"""By the name of the server."""


@dataclass(frozen=True)
class AskedServer:
    """A running server, with what it is asked and should answer."""

    name: str
    server: BenchServer
    expected: ExpectedAnswers
    """By the body of a request to this server."""
    wire: Wire

    def load(self, seconds: float) -> ClosedLoad:
        """Have the callers ask for some seconds, and compare all answers."""
        bodies = list(self.expected)
        return closed_load(self.server, bodies, CALLERS, seconds, self.wire.path, self._check)

    def _check(self, request: bytes, content: bytes) -> None:
        found, expected = self.wire.answer(content), self.expected[request]
        if not is_same(found, expected):
            raise RuntimeError(f"{self.name} answers {found}, and the service {expected}")


@dataclass(frozen=True)
class Tuned:
    """A peer in the setup that was the fastest of those that were tried."""

    contender: AskedServer
    setup: PeerSetup
    rate: float
    """Requests per second in the trial."""

    def load(self, seconds: float) -> ClosedLoad:
        """See ``AskedServer``; the peer is paused before and after."""
        self.contender.server.resume()
        try:
            return self.contender.load(seconds)
        finally:
            self.contender.server.pause()


def measure(console: Console) -> list[BenchResult]:
    """Return the service's requests per second over those of the best peer, and of each."""
    try:
        install(say=console.print)
    except InstallError as error:
        console.print(f"{error}: the measurement peers is left out")
        return []
    with ExitStack() as stack:
        checkpoint = stack.enter_context(exported(DIRECT))
        service = stack.enter_context(started(SERVICE))
        expected = answers_of(service, mixed_items(ITEMS))
        ours = AskedServer(SERVICE_NAME, service, expected, PlainWire())
        ours.load(WARM_UP_S)
        trials = Trials(console, checkpoint, expected)
        peers = [trials.fastest(peer, stack) for peer in PEERS]
        rounds = [
            {SERVICE_NAME: ours.load(ROUND_S)}
            | {peer.contender.name: peer.load(ROUND_S) for peer in peers}
            for _ in track(range(ROUNDS), description="peers", console=console)
        ]
    return over_peers(rounds, {peer.contender.name: peer.setup for peer in peers})


@dataclass(frozen=True)
class Trials:
    """Starts peers and tries their setups."""

    console: Console
    checkpoint: Path
    expected: ExpectedAnswers

    def fastest(self, peer: Peer, stack: ExitStack) -> Tuned:
        """Return a peer that runs in its fastest setup, paused, until the stack is closed."""
        threads = choose_threads(Settings().threads).threads
        best, keeper = None, ExitStack()
        for setup in peer.setups(threads):
            running = stack.enter_context(ExitStack())
            trial = self._tried(peer, setup, running)
            if best is None or trial.rate > best.rate:
                best, keeper, running = trial, running, keeper
            running.close()
        assert best is not None
        return best

    def _tried(self, peer: Peer, setup: PeerSetup, stack: ExitStack) -> Tuned:
        server = stack.enter_context(self._running(peer, setup))
        wire = peer.wire(self.checkpoint)
        expected = {wire.body(own): answer for own, answer in self.expected.items()}
        contender = AskedServer(peer.name, server, expected, wire)
        contender.load(WARM_UP_S)
        rate = contender.load(TRIAL_S).rate
        server.pause()
        self.console.print(f"{peer.name} with {setup}: {rate:.1f} requests per second")
        return Tuned(contender, setup, rate)

    @contextmanager
    def _running(self, peer: Peer, setup: PeerSetup) -> Iterator[BenchServer]:
        variables = peer.environment(setup, self.checkpoint)
        arguments, python = peer.arguments(setup, self.checkpoint), peer.environment_of.python
        with started(arguments, peer.probe, python, peer.stop, **variables) as server:
            try:
                yield server
            finally:
                server.resume()


def answers_of(service: BenchServer, items: Sequence[ItemFields]) -> dict[bytes, PeerAnswer]:
    """Return what the service answers to each item, by the body of a request for it alone."""
    answers: list[PeerAnswer] = []
    with service.client(1) as client:
        for first in range(0, len(items), ITEMS_A_CALL):
            some = batch_body(items[first : first + ITEMS_A_CALL], DIRECT)
            content = client.post("/predict/xcopa/batch", some, JSON).read()
            answers += json.loads(content)["predictions"]
    return {body(item, DIRECT): answer for item, answer in zip(items, answers, strict=True)}


def is_same(found: PeerAnswer, expected: PeerAnswer) -> bool:
    """Whether two answers say the same, but for rounding; a tie may be broken either way."""
    names = ("logits", "probabilities")
    pairs = [pair for name in names for pair in zip(found[name], expected[name], strict=True)]
    is_close = all(abs(one - other) <= TOLERANCE for one, other in pairs)
    first, second = expected["logits"]
    is_tie = abs(first - second) <= TOLERANCE
    return is_close and (is_tie or found["label"] == expected["label"])


def over_peers(rounds: Sequence[PeerRound], setups: Mapping[str, PeerSetup]) -> list[BenchResult]:
    """Return the ratios of the rates of each round: over the best peer of it, and over each."""
    ours = [each[SERVICE_NAME] for each in rounds]
    best = [max(each[name].rate for name in setups) for each in rounds]
    rates = {name: statistics.median(each[name].rate for each in rounds) for name in rounds[0]}
    headline = BenchResult.of(
        "requests per second over the best peer of each round",
        RATIO,
        [own.rate / rate for own, rate in zip(ours, best, strict=True)],
        ">= 1.7 on AVX2",
        requests_per_second={name: round(rate, 1) for name, rate in rates.items()},
    )
    return [headline, *(_over(name, setup, rounds) for name, setup in setups.items())]


def _over(name: str, setup: PeerSetup, rounds: Sequence[PeerRound]) -> BenchResult:
    pairs = [(each[SERVICE_NAME], each[name]) for each in rounds]
    return BenchResult.of(
        f"requests per second over {name}",
        RATIO,
        [ours.rate / theirs.rate for ours, theirs in pairs],
        requests_per_second=medians([(ours.rate, theirs.rate) for ours, theirs in pairs], 1),
        median_ms=medians([(1000 * ours.median, 1000 * theirs.median) for ours, theirs in pairs]),
        setup={
            "workers": setup.workers,
            "threads each": setup.threads,
            "batch": setup.max_batch,
            "wait ms": setup.wait_ms,
        },
    )
