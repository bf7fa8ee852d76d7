"""The setup of a peer, on its way through the environment."""

from __future__ import annotations

from pathlib import Path

from loadtests.peers.setup import PeerSetup, checkpoint

SETUP = PeerSetup(workers=2, threads=3, max_batch=8, wait_ms=5)


def test_the_server_reads_what_the_bench_has_chosen() -> None:
    variables = SETUP.variables(Path("/some/model"))
    assert PeerSetup.read(variables) == SETUP
    assert checkpoint(variables) == Path("/some/model")


def test_no_library_starts_more_threads_than_the_setup_has() -> None:
    assert SETUP.variables(Path())["OMP_NUM_THREADS"] == "3"


def test_a_reader_sees_workers_threads_batch_and_wait() -> None:
    assert str(SETUP) == "2 x 3 threads, batches up to 8, wait 5 ms"
    assert str(PeerSetup(2, 1, 8)) == "2 x 1 threads, batches up to 8"
    assert str(PeerSetup(1, 2)) == "1 x 2 threads"
