"""The front's hold on one engine: what it hands over, what it takes for an answer, how it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from app.engine.processes import engine_process
from app.engine.processes.engine_process import EngineProcess
from app.engine.processes.handover import READY, pack_failure, pack_logits, unpack_batch
from app.engine.seats import EngineLostError, PassFailedError
from tests.app.engine.stand_in_engines import LIMIT_S

PID = (1 << 22) + 5
"""Linux gives no process such a number."""
ENDED = rf"^engine 3 \(process {PID}\) ended during a pass$"


@dataclass
class Far:
    """What the process itself would hold."""

    channel: Connection
    life: Connection

    def end(self) -> None:
        self.channel.close()
        self.life.close()


@pytest.fixture
def ends() -> Iterator[tuple[EngineProcess, Far]]:
    channel, far_channel = Pipe()
    life, far_life = Pipe(duplex=False)
    far = Far(far_channel, far_life)
    yield EngineProcess(3, PID, channel, life), far
    for each in (channel, life):
        each.close()
    far.end()


@pytest.fixture
def engine(ends: tuple[EngineProcess, Far]) -> EngineProcess:
    return ends[0]


@pytest.fixture
def far(ends: tuple[EngineProcess, Far]) -> Far:
    return ends[1]


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The process ids and numbers of the signals that are sent."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def test_each_batch_has_a_turn_of_its_own_that_its_answer_repeats(
    engine: EngineProcess, far: Far
) -> None:
    for turn, rows in [(1, [[7, 8], [9]]), (2, [[5]])]:
        engine.ask(turn % 2, rows)
        assert unpack_batch(far.channel.recv_bytes()) == (turn, turn % 2, rows)
        far.channel.send_bytes(pack_logits(turn, [0.5, turn]))
        assert engine.answer() == [0.5, turn]


def test_turns_begin_again_before_they_outgrow_an_integer(
    engine: EngineProcess, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_process, "MOST_TURNS", 3)
    turns = []
    for _ in range(4):
        engine.ask(0, [[1]])
        turns.append(unpack_batch(far.channel.recv_bytes())[0])
    assert turns == [1, 2, 0, 1]


def test_the_answer_to_an_earlier_batch_is_not_taken(engine: EngineProcess, far: Far) -> None:
    engine.ask(0, [[1]])
    engine.ask(0, [[2]])
    far.channel.send_bytes(pack_logits(1, [1.0]))
    with pytest.raises(EngineLostError, match=r"^engine 3 answers turn 1, not 2$"):
        engine.answer()


def test_a_failure_of_another_turn_is_no_failure_of_this_one(
    engine: EngineProcess, far: Far
) -> None:
    engine.ask(0, [[1]])
    far.channel.send_bytes(pack_failure(9, "of another batch"))
    with pytest.raises(EngineLostError, match=r"^engine 3 answers turn 9, not 1$"):
        engine.answer()


def test_what_the_pass_raised_is_raised_with_its_trace(engine: EngineProcess, far: Far) -> None:
    engine.ask(0, [[1]])
    far.channel.send_bytes(pack_failure(1, "Traceback: no"))
    with pytest.raises(PassFailedError, match=r"^Traceback: no$"):
        engine.answer()


def test_an_engine_that_has_ended_takes_no_batch_and_gives_no_answer(
    engine: EngineProcess, far: Far
) -> None:
    assert not engine.ended
    far.end()
    with pytest.raises(EngineLostError, match=ENDED):
        engine.ask(0, [[1]])
    with pytest.raises(EngineLostError, match=ENDED):
        engine.answer()
    assert engine.ended


def test_an_engine_whose_channel_fails_has_ended_for_who_waits(engine: EngineProcess) -> None:
    engine.ask(0, [[1]])
    engine.channel.close()
    with pytest.raises(EngineLostError, match=ENDED):
        engine.answer()


def test_an_engine_whose_sign_of_life_cannot_be_read_has_ended(engine: EngineProcess) -> None:
    engine.life.close()
    assert engine.ended


def test_an_engine_is_ready_when_it_says_so_and_nothing_else(
    engine: EngineProcess, far: Far
) -> None:
    far.channel.send_bytes(READY)
    engine.hear_ready()
    far.channel.send_bytes(b"hello")
    says = "^engine 3 says something else than that it is ready$"
    with pytest.raises(EngineLostError, match=says):
        engine.hear_ready()
    far.end()
    with pytest.raises(EngineLostError, match=ENDED):
        engine.hear_ready()


def test_an_engine_that_is_killed_ends_who_waits_for_its_answer(
    engine: EngineProcess, far: Far, signals: list[tuple[int, int]]
) -> None:
    engine.ask(0, [[1]])
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(engine.answer)
        engine.kill()
        with pytest.raises(EngineLostError, match=ENDED):
            waiting.result(LIMIT_S)
    assert signals == [(PID, signal.SIGKILL)]


def test_the_number_of_a_process_that_has_ended_may_be_anothers_so_nothing_is_sent_to_it(
    engine: EngineProcess, far: Far, signals: list[tuple[int, int]]
) -> None:
    far.end()
    engine.kill()
    assert signals == []


def test_a_process_that_the_system_does_not_know_is_hung_up_on_all_the_same(
    engine: EngineProcess, far: Far
) -> None:
    engine.kill()
    assert far.channel.poll(LIMIT_S)
    with pytest.raises(EOFError):
        far.channel.recv_bytes()


def test_an_idle_engine_that_is_hung_up_on_reads_the_end_and_may_be_hung_up_on_again(
    engine: EngineProcess, far: Far, signals: list[tuple[int, int]]
) -> None:
    engine.hang_up()
    assert far.channel.poll(LIMIT_S)
    with pytest.raises(EOFError):
        far.channel.recv_bytes()
    engine.hang_up()
    assert not engine.channel.closed, "a thread may be reading it"
    engine.channel.close()
    engine.hang_up()
    assert signals == []
