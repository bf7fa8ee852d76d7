"""The real peers, on a tiny model: each answers in batches as the model does, and ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from loadtests.bench.closed_load import closed_load
from loadtests.bench.inputs import body
from loadtests.bench.peers import AskedServer
from loadtests.bench.servers import started
from loadtests.comparison.answers import AnswerTally, WireCase
from loadtests.comparison.contender import Contender as ComparedServer
from loadtests.comparison.plan import LoadPlan
from loadtests.peers.catalogue import ALL_PEERS, PEERS
from loadtests.peers.peer import Peer
from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup
from tests.sample import sample_items


def prepared(peer: Peer, checkpoint: Path) -> None:
    if peer.prepare:
        variables = peer.environment(PeerSetup(1, 1), checkpoint)
        own = {name: value for name, value in (os.environ | variables).items() if value}
        subprocess.run([peer.environment_of.python, *peer.prepare], env=own, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("peer", ALL_PEERS, ids=lambda peer: peer.slug)
def test_a_peer_starts_answers_what_the_model_says_and_leaves_nothing_behind(
    peer: Peer, tiny_export: Path
) -> None:
    if not peer.environment_of.is_installed:
        pytest.skip(f"`python -m loadtests.peers.install {peer.slug}` makes its environment")
    prepared(peer, tiny_export)
    setup = peer.setups(2)[-1]
    items, wire = sample_items(), peer.wire(tiny_export)
    answers = Scorer.load(tiny_export).answers(items)
    expected = {wire.body(body(item)): answer for item, answer in zip(items, answers, strict=True)}
    with started(
        peer.arguments(setup, tiny_export),
        peer.probe,
        peer.environment_of.python,
        peer.stop,
        **peer.environment(setup, tiny_export),
    ) as server:
        tally = AnswerTally(peer.is_exact)
        case = WireCase.expecting(
            wire, {body(item): answer for item, answer in zip(items, answers, strict=True)}, tally
        )
        load = ComparedServer(peer.name, server, case, LoadPlan.quick(1)).closed(0.5)
        assert load.answered_per_s > 0
        assert load.failed_share == 0
        if peer.is_exact:
            assert AskedServer(peer.name, server, expected, wire).load(0.5).latencies
            assert tally.difference < 1e-3
        if peer.is_pausable:
            server.pause()
            server.resume()
        family = [server.process, *server.process.children(recursive=True)]
        if peer in PEERS:
            assert len(family) > setup.workers
        with pytest.raises(RuntimeError, match="status"):
            closed_load(server, [b"{}"], 1, 0, wire.path)
    assert not [
        each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE
    ]
