"""How the peers are started, asked and configured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.peers.catalogue import (
    BENTOML,
    MOST_WORKERS,
    PEERS,
    PLAIN,
    ROOT,
    Peer,
    batched,
    splits,
)
from loadtests.peers.setup import PeerSetup

ANSWER = {"label": 1, "probabilities": [0.25, 0.75], "logits": [-0.5, 0.6]}
BATCHED = [peer for peer in PEERS if peer is not PLAIN]
SERVERS = ("bentoml_server", "litserve_server", "mosec_server", "plain")


@pytest.mark.parametrize("threads", [1, 2, 3, 8, 20, 64])
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_no_setup_has_more_threads_than_there_are(peer: Peer, threads: int) -> None:
    setups = peer.setups(threads)
    assert len(set(setups)) == len(setups) >= 1
    for setup in setups:
        assert threads // 2 < setup.workers * setup.threads <= threads
        assert setup.workers <= MOST_WORKERS


@pytest.mark.parametrize("peer", BATCHED, ids=lambda peer: peer.name)
def test_a_server_with_batches_is_tried_with_one_worker_and_with_several(peer: Peer) -> None:
    tried = [(setup.workers, setup.threads, setup.max_batch) for setup in peer.setups(2)]
    assert tried == [(1, 2, 16), (2, 1, 8), (2, 1, 16)]


def test_with_one_thread_both_ways_to_share_it_out_are_the_same() -> None:
    assert splits(1) == [PeerSetup(1, 1)]
    assert len(batched(1)) == 2


def test_a_batch_waits_where_that_is_configured() -> None:
    assert all(setup.wait_ms > 0 for setup in batched(2))
    assert all(setup.wait_ms == 0 for setup in batched(2, waits=False))


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_each_is_started_from_a_file_of_its_own(peer: Peer) -> None:
    command = " ".join(peer.arguments(PeerSetup(2, 1, 8, 5)))
    assert sum(f"loadtests.peers.{name}" in command for name in SERVERS) == 1
    assert peer.probe.startswith("/")


def test_fastapi_has_as_many_processes_as_workers() -> None:
    arguments = PLAIN.arguments(PeerSetup(3, 1))
    assert arguments[arguments.index("--workers") + 1] == "3"


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_threads_wait_as_the_libraries_have_it(peer: Peer) -> None:
    variables = peer.environment(PeerSetup(1, 1), Path("/models/direct"))
    assert variables["OMP_WAIT_POLICY"] == variables["TOKENIZERS_PARALLELISM"] == ""
    assert variables["PYTHONPATH"] == str(ROOT)


def test_bentoml_is_asked_with_a_list_of_one_and_answers_with_one() -> None:
    assert json.loads(BENTOML.body(b'{"premise": "It rained."}')) == {
        "items": [{"premise": "It rained."}]
    }
    assert BENTOML.answer(json.dumps([ANSWER]).encode()) == ANSWER
    with pytest.raises(ValueError, match="values to unpack"):
        BENTOML.answer(json.dumps([ANSWER, ANSWER]).encode())


def test_the_others_are_asked_as_the_service_is() -> None:
    assert PLAIN.body(b"{}") == b"{}"
    assert PLAIN.answer(json.dumps(ANSWER).encode()) == ANSWER
