"""The service beside its peers: what counts as the same answer, as the fastest, as the ratio."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from loadtests.bench import peers
from loadtests.bench.closed_load import ClosedLoad
from loadtests.bench.inputs import body
from loadtests.bench.peers import AskedServer, Trials, answers_of, is_same, over_peers
from loadtests.peers.catalogue import MOSEC
from loadtests.peers.setup import PeerSetup
from loadtests.peers.wires import PlainWire
from scripts.install import InstallError
from tests.loadtests.bench.tiny_server import tiny_server
from tests.sample import sample_items

ANSWER = {"label": 1, "probabilities": [0.3, 0.7], "logits": [-0.2, 0.6473]}


def load(requests: int, latency: float = 0.5) -> ClosedLoad:
    return ClosedLoad([latency] * requests, seconds=10)


def replies(answer: Any) -> Callable[[bytes], list[bytes]]:
    content = json.dumps(answer).encode()
    return lambda _: [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)]


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"logits": [-0.2005, 0.6470]}, True),
        ({"logits": [-0.2005, 0.6493]}, False),
        ({"probabilities": [0.302, 0.698]}, False),
        ({"label": 0}, False),
    ],
)
def test_an_answer_is_the_same_but_for_rounding(changes: dict[str, Any], same: bool) -> None:
    assert is_same(ANSWER | changes, ANSWER) is same


def test_a_tie_may_be_broken_either_way() -> None:
    tie = {"label": 0, "probabilities": [0.5, 0.5], "logits": [0.1001, 0.1]}
    assert is_same(tie | {"label": 1, "logits": [0.1, 0.1001]}, tie)


def test_a_peer_that_answers_nonsense_ends_the_measurement() -> None:
    with (
        tiny_server(replies(ANSWER | {"logits": [1.0, 2.0]})) as server,
        pytest.raises(RuntimeError, match="mosec answers"),
    ):
        AskedServer("mosec", server.process, {b"{}": ANSWER}, PlainWire()).load(0)


def test_a_peer_that_answers_as_the_service_is_measured() -> None:
    with tiny_server(replies(ANSWER)) as server:
        assert AskedServer("mosec", server.process, {b"{}": ANSWER}, PlainWire()).load(0).latencies


def test_what_the_service_answers_is_known_by_the_body_of_a_lone_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peers, "ITEMS_A_CALL", 1)
    items = sample_items("en")
    with tiny_server(replies({"predictions": [ANSWER]})) as server:
        found = answers_of(server.process, items)
    assert found == {body(item, "direct"): ANSWER for item in items}
    assert len(server.requests) == len(items)


class Stage:
    """Stands in for real servers: the rate of each setup, and which of them run or are paused."""

    def __init__(self, rates: dict[int, float]) -> None:
        self.rates = rates
        self.running: list[PeerSetup] = []
        self.paused: list[PeerSetup] = []

    @contextmanager
    def running_in(self, peer: Any, setup: PeerSetup) -> Iterator[Any]:
        self.running.append(setup)
        yield SimpleNamespace(setup=setup, pause=lambda: self.paused.append(setup))
        self.running.remove(setup)

    def load(self, contender: Any, seconds: float) -> ClosedLoad:
        return load(round(self.rates[self._setup(contender).max_batch] * 10))

    def _setup(self, contender: Any) -> PeerSetup:
        setup: PeerSetup = contender.server.setup
        return setup


@pytest.mark.parametrize("fastest", [0, 1, 2])
def test_the_fastest_setup_stays_and_no_other(
    fastest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XCOPA_THREADS", "8")
    setups = MOSEC.setups(8)
    stage = Stage({each.max_batch: 10.0 for each in setups})
    stage.rates[setups[fastest].max_batch] = 20.0
    assert len(stage.rates) == 3
    monkeypatch.setattr(Trials, "_running", lambda self, peer, setup: stage.running_in(peer, setup))
    monkeypatch.setattr(AskedServer, "load", lambda *asked: stage.load(*asked))  # noqa: PLW0108 - a method
    trials = Trials(Console(quiet=True), Path("model"), {})
    with ExitStack() as stack:
        found = trials.fastest(MOSEC, stack)
        assert found.setup == setups[fastest]
        assert stage.running == [found.setup]
        assert set(stage.paused) == set(setups)
    assert stage.running == []


def test_the_service_is_compared_with_the_best_peer_of_each_round_and_with_each() -> None:
    rounds = [
        {"service": load(1000), "mosec": load(500), "BentoML": load(250)},
        {"service": load(1200), "mosec": load(300), "BentoML": load(400)},
        {"service": load(900), "mosec": load(450, 0.9), "BentoML": load(300)},
    ]
    setups = {"mosec": PeerSetup(2, 1, 8, 5), "BentoML": PeerSetup(1, 2, 16)}
    best, mosec, bentoml = over_peers(rounds, setups)
    assert [best.least, best.value, best.greatest] == pytest.approx([2, 2, 3])
    assert best.details["requests_per_second"] == {"service": 100, "mosec": 45, "BentoML": 30}
    assert [mosec.least, mosec.value, mosec.greatest] == pytest.approx([2, 2, 4])
    assert [bentoml.least, bentoml.value, bentoml.greatest] == pytest.approx([3, 3, 4])
    assert mosec.details == {
        "requests_per_second": [100, 45],
        "median_ms": [500, 500],
        "setup": {"workers": 2, "threads each": 1, "batch": 8, "wait ms": 5},
    }


def test_without_the_peers_the_measurement_says_so_and_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**options: object) -> Path:
        raise InstallError("pip could not install the peers")

    monkeypatch.setattr(peers, "install", fail)
    assert peers.measure(Console(width=200)) == []
    assert capsys.readouterr().out == (
        "pip could not install the peers: the measurement peers is left out\n"
    )
