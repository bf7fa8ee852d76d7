"""A peer is put through the plan, or the reason is kept."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtests.bench.inputs import body
from loadtests.bench.servers import started
from loadtests.comparison import run as module
from loadtests.comparison.contender import Contender
from loadtests.comparison.features import FeatureTable
from loadtests.comparison.figures import ContenderFigures
from loadtests.comparison.page import known_reasons, page_of
from loadtests.comparison.plan import OURS, SHARES, THEIRS, LoadPlan
from loadtests.comparison.run import ComparisonRun, PeerFailedError, check_sound
from loadtests.peers.catalogue import INFINITY, PLAIN
from loadtests.peers.environments import SERVERS, PeerEnvironment
from loadtests.peers.peer import Peer
from loadtests.peers.scorer import Scorer
from loadtests.peers.setup import PeerSetup
from scripts.install import InstallError
from tests.loadtests.comparison.records import ORIGIN, load, service
from tests.sample import sample_items

PLAN = replace(LoadPlan.quick(0.5), precision=1.0, most_s=6.0, warm_up_s=0.1, trial_s=0.3)


def here(folder: Path) -> PeerEnvironment:
    """Return an environment that is this one."""
    environment = PeerEnvironment(folder / "peers", SERVERS.requirements)
    environment.python.parent.mkdir(parents=True)
    environment.python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', "utf-8")
    environment.python.chmod(0o755)
    environment.mark()
    return environment


def one_setup(threads: int) -> list[PeerSetup]:
    return [PeerSetup(1, 1)]


def comparison(checkpoint: Path, folder: Path, said: list[str]) -> ComparisonRun:
    items = sample_items("en")
    answers = Scorer.load(checkpoint).answers(items)
    expected = {body(item, "direct"): answer for item, answer in zip(items, answers, strict=True)}
    return ComparisonRun(PLAN, ORIGIN, items, expected, checkpoint, folder / "loadgen", said.append)


def plain(folder: Path, **changes: object) -> Peer:
    return replace(PLAIN, environment_of=here(folder), setups=one_setup, **changes)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_peer_is_measured_in_turns_with_another_server(tiny_export: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run, peer = comparison(tiny_export, tmp_path, said), plain(tmp_path)
    [setup] = one_setup(1)
    variables = peer.environment(setup, tiny_export)
    python = peer.environment_of.python
    with started(
        peer.arguments(setup, tiny_export), peer.probe, python, peer.stop, **variables
    ) as server:
        record = run.peer_record(peer, run.service(server))
    assert "reason" not in record, record
    assert record["setup"] == "1 x 1 threads"
    assert [each["share"] for each in record["open"]] == list(SHARES)
    for side in ("ours", "theirs"):
        assert len(record["closed"][side]) == PLAN.rounds
        assert all(each["failed_share"] == 0 for each in record["closed"][side])
        offered = [each[side]["offered_per_s"] for each in record["open"]]
        assert offered[0] < offered[-1]
    assert record["agreement"]["labels"] == 1
    assert record["agreement"]["items"] == len(run.items)
    assert record["agreement"]["greatest_difference"] < 1e-3
    assert record["memory_mib"] > 50
    assert record["start_s"] > 0
    assert record["null"]["failed_share"] == 0
    assert any("Server at" in line for line in said)
    assert "| FastAPI (fastapi" in page_of(
        [service(), record], FeatureTable.load(), known_reasons()
    )


@pytest.mark.slow
def test_a_peer_whose_answers_are_not_the_services_is_not_compared(
    tiny_export: Path, tmp_path: Path
) -> None:
    run = comparison(tiny_export, tmp_path, [])
    others = {key: {**each, "logits": [9.0, 0.0]} for key, each in run.expected.items()}
    record = replace(run, expected=others).peer_record(plain(tmp_path), ours=never())
    said = "with 1 x 1 threads, FastAPI: 100.0% of the answers were not sound: "
    assert record["reason"].startswith(said)


@pytest.mark.slow
def test_a_setup_that_does_not_start_is_left_out(tiny_export: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run, peer = comparison(tiny_export, tmp_path, said), plain(tmp_path)

    def only_one_worker(setup: PeerSetup, checkpoint: Path) -> tuple[str, ...]:
        works = setup.workers == 1
        return PLAIN.arguments(setup, checkpoint) if works else ("-c", "raise SystemExit(3)")

    both = replace(
        peer,
        arguments=only_one_worker,
        setups=lambda threads: [PeerSetup(2, 1), PeerSetup(1, 1)],
    )
    assert list(run._trials(both)) == [PeerSetup(1, 1)]
    assert said[0].startswith("FastAPI with 2 x 1 threads, a server did not start")


def never() -> Contender:
    """Return a contender that is not to be asked."""
    return Contender("service", None, None, PLAN)  # type: ignore[arg-type]


def test_a_peer_that_cannot_be_installed_has_the_reason(
    tiny_export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(environment: PeerEnvironment, **options: object) -> Path:
        raise InstallError(f"pip could not install\n {environment.requirements.name}")

    monkeypatch.setattr(module, "install", fail)
    said: list[str] = []
    record = comparison(tiny_export, tmp_path, said).peer_record(PLAIN, never())
    assert record["reason"] == "pip could not install requirements.txt"
    assert record["versions"].keys() == {"fastapi", "uvicorn"}
    assert said


def test_a_peer_that_does_not_start_has_the_reason(tiny_export: Path, tmp_path: Path) -> None:
    def nothing(setup: PeerSetup, checkpoint: Path) -> tuple[str, ...]:
        return ("-c", "raise SystemExit(3)")

    record = comparison(tiny_export, tmp_path, []).peer_record(
        plain(tmp_path, arguments=nothing), never()
    )
    assert "did not start" in record["reason"]


def test_a_model_that_cannot_be_converted_is_the_reason_with_the_last_line(
    tiny_export: Path, tmp_path: Path
) -> None:
    prepare = ("-c", "raise ValueError('no such operator')")
    record = comparison(tiny_export, tmp_path, []).peer_record(
        plain(tmp_path, prepare=prepare), never()
    )
    assert record["reason"] == ("its model could not be converted: ValueError: no such operator")


def test_a_prompt_that_no_reranker_can_ask_ended_the_whole_comparison(
    tiny_export: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "cause-first"
    shutil.copytree(tiny_export, checkpoint)
    config = json.loads((checkpoint / "xcopa.json").read_text("utf-8"))
    config["prompt"]["order"] = "cause-first"
    (checkpoint / "xcopa.json").write_text(json.dumps(config), "utf-8")
    run = replace(comparison(tiny_export, tmp_path, []), checkpoint=checkpoint)
    record = run.peer_record(INFINITY, never())
    assert record["reason"].startswith("cannot run: a reranker reads its one query first")


@pytest.mark.parametrize("error", [psutil.NoSuchProcess(7), PeerFailedError("x"), OSError("x")])
def test_a_peer_that_ended_under_load_ended_the_whole_comparison(
    error: Exception, tiny_export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise error

    monkeypatch.setattr(ComparisonRun, "_trials", lambda *_: {PeerSetup(1, 1): 9.0})
    monkeypatch.setattr(ComparisonRun, "_running", ended)
    record = comparison(tiny_export, tmp_path, []).peer_record(plain(tmp_path), never())
    assert record["reason"]


class SilentContender:
    """Stands in for one whose answers all come after the end of a load."""

    name = "mosec"
    server = None

    def closed(self, seconds: float) -> ContenderFigures:
        return ContenderFigures.from_json(load(0.001, answered_per_s=0.0))


def test_a_peer_without_an_answer_in_time_divided_by_zero(
    tiny_export: Path, tmp_path: Path
) -> None:
    silent: Any = SilentContender()
    peer = replace(PLAIN, is_pausable=False)
    with pytest.raises(PeerFailedError, match=r"^mosec: most loads ended before the first answer"):
        comparison(tiny_export, tmp_path, [])._loads(silent, silent, peer)


def test_the_fastest_setup_is_the_one_that_is_compared(
    tiny_export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = {PeerSetup(1, 1): 10.0, PeerSetup(2, 1): 30.0, PeerSetup(4, 1): 20.0}

    def running(run: ComparisonRun, peer: Peer, setup: PeerSetup) -> None:
        raise PeerFailedError(f"started {setup}")

    monkeypatch.setattr(ComparisonRun, "_trials", lambda *_: tried)
    monkeypatch.setattr(ComparisonRun, "_running", running)
    record = comparison(tiny_export, tmp_path, []).peer_record(plain(tmp_path), never())
    assert record["reason"] == f"started {PeerSetup(2, 1)}"


def test_answers_that_are_not_sound_have_no_speed() -> None:
    check_sound("peer", ContenderFigures.from_json(load(10.0)))
    unsound = load(10.0) | {"failed_share": 0.005, "failures": "why"}
    with pytest.raises(PeerFailedError, match=r"^peer: 0\.5% of the answers were not sound: why$"):
        check_sound("peer", ContenderFigures.from_json(unsound))


class PausedServer:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


@pytest.mark.parametrize(
    ("side", "pausable", "told"),
    [
        (OURS, True, ["pause", "resume"]),
        (OURS, False, []),
        (THEIRS, True, []),
    ],
)
def test_a_peer_rests_while_the_service_is_measured(
    side: str, pausable: bool, told: list[str]
) -> None:
    server = PausedServer()
    peer = replace(PLAIN, is_pausable=pausable)
    with contextlib.suppress(KeyError), module._alone(side, server, peer):  # type: ignore[arg-type]
        assert server.told == told[:1]
        raise KeyError
    assert server.told == told
