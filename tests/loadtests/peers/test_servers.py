"""The real peers, on a tiny model: each answers in batches as the model does, and ends."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from loadtests.bench.closed_load import closed_load
from loadtests.bench.inputs import body
from loadtests.bench.peers import Contender
from loadtests.bench.servers import started
from loadtests.peers.catalogue import PEERS, Peer
from loadtests.peers.install import ENVIRONMENT, is_installed
from loadtests.peers.scorer import Scorer
from tests.sample import sample_items


@pytest.mark.slow
@pytest.mark.skipif(
    not is_installed(), reason="no peers: `python -m loadtests.peers.install` makes .venv-peers"
)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_starts_answers_what_the_model_says_and_leaves_nothing_behind(
    peer: Peer, tiny_export: Path
) -> None:
    setup = peer.setups(2)[-1]
    items = sample_items()
    answers = Scorer.load(tiny_export).answers(items)
    expected = {peer.body(body(item)): answer for item, answer in zip(items, answers, strict=True)}
    with started(
        peer.arguments(setup),
        peer.probe,
        ENVIRONMENT / "bin" / "python",
        peer.stop,
        **peer.environment(setup, tiny_export),
    ) as server:
        contender = Contender(peer.name, server, expected, peer.answer)
        assert contender.load(0.5).latencies
        server.pause()
        server.resume()
        family = [server.process, *server.process.children(recursive=True)]
        assert len(family) > setup.workers
        with pytest.raises(RuntimeError, match="status"):
            closed_load(server, [b"{}"], 1, 0)
    assert not [
        each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE
    ]
