"""How the peers are started, asked and configured."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from loadtests.peers.catalogue import (
    ALL_PEERS,
    INFINITY,
    ONNX_RUNTIME,
    ONNX_RUNTIME_INT8,
    OPENVINO_FP32,
    OPENVINO_QUANTIZED,
    PEERS,
    PLAIN,
    WITHOUT_PACKAGE,
)
from loadtests.peers.encoders import NULL, TORCH, VARIABLE
from loadtests.peers.environments import ROOT, SERVERS
from loadtests.peers.peer import MOST_WORKERS, Peer, batched, one_worker, splits
from loadtests.peers.setup import PeerSetup

RUNTIMES = (ONNX_RUNTIME, ONNX_RUNTIME_INT8, OPENVINO_FP32, OPENVINO_QUANTIZED)
WITHOUT_BATCHES = (PLAIN, *RUNTIMES)
BATCHED = [peer for peer in ALL_PEERS if peer not in (*WITHOUT_BATCHES, INFINITY)]
CHECKPOINT = Path("/models/direct")


@pytest.mark.parametrize("threads", [1, 2, 3, 8, 20, 64])
@pytest.mark.parametrize("peer", ALL_PEERS, ids=lambda peer: peer.name)
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


@pytest.mark.parametrize("peer", ALL_PEERS, ids=lambda peer: peer.name)
def test_each_is_started_and_prepared_by_what_there_is(peer: Peer) -> None:
    own = [
        word.partition(":")[0]
        for word in (*peer.arguments(PeerSetup(2, 1, 8, 5), CHECKPOINT), *peer.prepare)
        if word.startswith("loadtests.")
    ]
    assert own
    assert all(importlib.util.find_spec(name) for name in own)
    assert peer.probe.startswith("/")


def test_infinity_serves_the_converted_checkpoint_in_fp32() -> None:
    arguments = INFINITY.arguments(PeerSetup(1, 2, 16), CHECKPOINT)
    pairs = dict(zip(arguments[3::2], arguments[4::2], strict=False))
    assert pairs["--model-id"] == "/models/direct/sequence"
    assert (pairs["--dtype"], pairs["--batch-size"]) == ("float32", "16")
    assert one_worker(4) == [PeerSetup(1, 4, 16), PeerSetup(1, 4, 32)]


def test_fastapi_has_as_many_processes_as_workers() -> None:
    arguments = PLAIN.arguments(PeerSetup(3, 1), CHECKPOINT)
    assert arguments[arguments.index("--workers") + 1] == "3"


@pytest.mark.parametrize("peer", ALL_PEERS, ids=lambda peer: peer.name)
def test_threads_wait_as_the_libraries_have_it(peer: Peer) -> None:
    variables = peer.environment(PeerSetup(1, 1), CHECKPOINT)
    assert variables["OMP_WAIT_POLICY"] == variables["TOKENIZERS_PARALLELISM"] == ""
    assert variables["PYTHONPATH"] == str(ROOT)


def test_a_runtime_is_behind_the_plain_server_with_its_own_encoder_and_files() -> None:
    encoders = [peer.environment(PeerSetup(1, 1), CHECKPOINT)[VARIABLE] for peer in RUNTIMES]
    assert encoders == ["onnx", "onnx-int8", "openvino", "openvino-int8"]
    assert [peer.prepare[-1] for peer in RUNTIMES] == encoders
    assert {peer.arguments for peer in RUNTIMES} == {PLAIN.arguments}
    assert [peer.is_exact for peer in RUNTIMES] == [True, False, True, False]


def test_the_framework_is_measured_with_an_encoder_that_computes_nothing() -> None:
    for peer in ALL_PEERS:
        assert peer.environment(PeerSetup(1, 1), CHECKPOINT)[VARIABLE] == peer.encoder
        assert peer.environment(PeerSetup(1, 1), CHECKPOINT, NULL)[VARIABLE] == NULL
        assert peer.has_null == (peer.encoder == TORCH and peer is not INFINITY)


def test_each_peer_has_a_name_of_its_own_and_versions_that_are_written_down() -> None:
    slugs = [peer.slug for peer in ALL_PEERS]
    assert len(set(slugs)) == len(slugs) == 12
    assert all(slug == slug.lower() and " " not in slug for slug in slugs)
    for peer in ALL_PEERS:
        assert all(version[0].isdigit() for version in peer.versions().values())


def test_the_benchmark_has_the_peers_that_share_an_environment() -> None:
    assert [peer for peer in ALL_PEERS if peer.environment_of is SERVERS] == list(PEERS)


def test_a_server_without_a_package_has_a_reason_with_a_source() -> None:
    assert "no package" in WITHOUT_PACKAGE["Text Embeddings Inference"]
    assert all("https://" in reason for reason in WITHOUT_PACKAGE.values())
